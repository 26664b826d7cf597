--[[
  Where a user stands. Being asked for, the user is seen.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
  Returns: done, with state, seq, match, notification and, while WAITING, position, queueLength,
           estimatedWaitSeconds, waitingSince, holdReason, holdUntil. What is unknown is left out.
  Events: none.
]]
-- @include presence
-- @include snapshot

local user = user_ensure(ARGV[1])
return answer(OUTCOME.DONE, user, snapshot(user))
