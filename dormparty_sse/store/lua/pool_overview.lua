--[[
  A pool at a glance.

    KEYS[1]  the pool's hash tag
  Returns: done, with `counts` (state -> users), `inLine` (users free to be matched), `reserved` (matches whose room
           is being made), `matches` (those not closed), and, where there are any, `oldestWaiting`: {userId, since},
           and `averageWaitMs`.
  Events: none.
]]
-- @include base

local MOST_RESERVED = 1000 -- bounds the time Redis is kept busy

-- A match is listed since it was reserved, and is not for longer than a reservation lasts, or little longer.
local function count_reserved()
  local since = NOW - 2 * RULES.reservation_ms
  local reserved = 0
  for _, session in ipairs(redis.call('ZRANGEBYSCORE', KEY.matches(), since, '+inf', 'LIMIT', 0, MOST_RESERVED)) do
    if redis.call('HGET', KEY.match(session), 'phase') == 'reserved' then reserved = reserved + 1 end
  end
  return reserved
end

local counts = {}
for state, set in pairs(STATE_SETS) do counts[state] = redis.call('ZCARD', KEY[set]()) end
local oldest = redis.call('ZRANGE', KEY.waiting(), 0, 0, 'WITHSCORES')
return reply(OUTCOME.DONE, {
  counts = counts,
  inLine = redis.call('ZCARD', KEY.queue()),
  reserved = count_reserved(),
  matches = redis.call('ZCARD', KEY.matches()),
  oldestWaiting = oldest[1] and { oldest[1], tonumber(oldest[2]) },
  averageWaitMs = tonumber(redis.call('GET', KEY.average_wait()) or nil),
})
