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
-- @include going_home

local user = user_ensure(ARGV[1])
local fenced = fence(user, ARGV[2])
if fenced == 'foreign' then return answer(OUTCOME.FOREIGN_SESSION, user) end
if fenced == 'older' then return answer(OUTCOME.ALREADY_PROCESSED, user) end
return answer(user_go_home(user, ARGV[3]), user)
