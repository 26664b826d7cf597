--[[
  How many users are in each state.

    KEYS[1]  the pool's hash tag
  Returns: done, with `counts`: state -> users.
  Events: none.
]]
-- @include base

local counts = {}
for state, set in pairs(STATE_SETS) do counts[state] = redis.call('ZCARD', KEY[set]()) end
return reply(OUTCOME.DONE, { counts = counts })
