--[[
  A pool at a glance.

    KEYS[1]  the pool's hash tag
  Returns: done, with `counts` (state -> users), `inLine` (users free to be matched), `away` (users who wait and are
           not there for the moment), `matches` (those not closed), and, where there are any, `oldestWaiting`:
           {userId, since}, and `averageWaitMs`.
  Events: none.
]]
-- @include base

local counts = {}
for state, set in pairs(STATE_SETS) do counts[state] = redis.call('ZCARD', KEY[set]()) end
local oldest = redis.call('ZRANGE', KEY.waiting(), 0, 0, 'WITHSCORES')
return reply(OUTCOME.DONE, {
  counts = counts,
  inLine = redis.call('ZCARD', KEY.queue()),
  away = #redis.call('ZINTER', 2, KEY.away(), KEY.waiting()),
  matches = redis.call('ZCARD', KEY.matches()),
  oldestWaiting = oldest[1] and { oldest[1], tonumber(oldest[2]) },
  averageWaitMs = tonumber(redis.call('GET', KEY.average_wait()) or nil),
})
