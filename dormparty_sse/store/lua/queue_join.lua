--[[
  Enqueue: IDLE -> WAITING.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  interests, a JSON list of strings
  Returns: queued or already-queued, with state, seq, position, queueLength, estimatedWaitSeconds;
           invalid-state where the user is in a match; barred, with kind, reason and until, where it is kept out.
  Events: queued.
]]
-- @include once
-- @include presence

local user = user_ensure(ARGV[1])
if not user_may(user, 'enqueue') then return answer(OUTCOME.INVALID_STATE, user) end
local bar = bar_told(user.id)
if bar then return answer(OUTCOME.BARRED, user, bar) end
user_act(user, 'enqueue')

user_set(user, { interests = ARGV[2] })
if not user_acts(user, 'enqueue') then
  return answer(OUTCOME.ALREADY_QUEUED, user, user.state == 'WAITING' and queue_view(user) or {})
end

return answer(OUTCOME.QUEUED, user, enqueue(user, 'enqueue'))
