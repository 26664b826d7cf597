--[[
  Makes a user known, as IDLE; a known one is merely seen.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
  Returns: done, with state and seq.
  Events: none.
]]
-- @include presence

return answer(OUTCOME.DONE, user_ensure(ARGV[1]))
