--[[
  Makes a user known, as IDLE; a known one is merely seen.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  device of its session, or '' where that is not known
  Returns: done, with state and seq.
  Events: none.
]]
-- @include presence

local user = user_ensure(ARGV[1])
if ARGV[2] ~= '' then user_set(user, { device = ARGV[2] }) end
return answer(OUTCOME.DONE, user)
