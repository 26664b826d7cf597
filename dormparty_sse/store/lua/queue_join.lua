--[[
  Enqueue: IDLE -> WAITING.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  interests, a JSON list of strings
  Returns: queued or already-queued, with state, seq, position, queueLength, estimatedWaitSeconds;
           invalid-state where the user is in a match.
  Events: queued.
]]
-- @include queue

local user = user_ensure(ARGV[1])
if user.state ~= 'IDLE' and user.state ~= 'WAITING' then
  return answer(OUTCOME.INVALID_STATE, user)
end

user_set(user, { interests = ARGV[2] })
if user.state == 'WAITING' then
  return answer(OUTCOME.ALREADY_QUEUED, user, queue_view(user))
end

transition(user, 'WAITING', 'enqueue')
user_set(user, { notification = false })
queue_add(user, false)
deadline_set('presence', user.id, NOW + RULES.stale_after_ms)
local event = queue_view(user)
event.state, event.seq = user.state, tonumber(user.seq)
emit(user.id, 'queued', event)
return answer(OUTCOME.QUEUED, user, queue_view(user))
