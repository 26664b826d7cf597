--[[
  Where a user stands. Being asked for, the user is seen.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  a session id to ask about, or ''
  Returns: done, with state, seq, match, notification and, while WAITING, position, queueLength,
           estimatedWaitSeconds, waitingSince, holdReason, holdUntil. What is unknown is left out.
           `lost`: nothing is known of that session, and it is not the user's.
  Events: none.
]]
-- @include presence
-- @include snapshot

local user = user_ensure(ARGV[1])
local view, session = snapshot(user), ARGV[2]
if session ~= '' and session ~= user.sessionId then
  view.lost = redis.call('EXISTS', KEY.match(session)) == 0
end
return answer(OUTCOME.DONE, user, view)
