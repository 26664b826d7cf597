--[[
  End and leave: the user goes home, and a partner back to the queue.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  session id the end is meant for, or '' for whatever is going on
    ARGV[3]  reason: end or leave
  Returns: ended, cancelled, already-processed, idle, foreign-session or invalid-state; with state and seq.
  Events: as for skip, with end-confirmed; from CONNECTING requeued and idle at once; idle from WAITING.
]]
-- @include once
-- @include presence

local user = user_ensure(ARGV[1])
local fenced = fence(user, ARGV[2])
if fenced == 'foreign' then return answer(OUTCOME.FOREIGN_SESSION, user) end
if fenced == 'older' then return answer(OUTCOME.ALREADY_PROCESSED, user) end
if not user_may(user, ARGV[3]) then return answer(OUTCOME.INVALID_STATE, user) end
user_act(user, ARGV[3])
if user.state == 'IDLE' then return answer(OUTCOME.IDLE, user) end
if not user_acts(user, ARGV[3]) then return answer(OUTCOME.ALREADY_PROCESSED, user) end

if user.state == 'WAITING' then
  leave_queue(user, ARGV[3] == 'leave' and 'leave' or 'cancel')
  return answer(OUTCOME.CANCELLED, user)
end

if user.state == 'DISCONNECTING' then
  if user.targetState == 'IDLE' then return answer(OUTCOME.ALREADY_PROCESSED, user) end
  user_set(user, { targetState = 'IDLE' }) -- it was on its way back to the queue
  return answer(OUTCOME.ENDED, user)
end

user_count(user, 'ends')
match_leave(user, ARGV[3])
return answer(OUTCOME.ENDED, user)
