--[[
  Pairs people, oldest first, and reserves each pair until its room is made: both leave the line,
  still WAITING. Skipped are those who have blocked each other or are cooling down from each other, and those not
  seen lately.

    KEYS[1]  the pool's hash tag
    ARGV     session id and room name for each pair that may be made, in turn
  Returns: done, with `pairs`: {sessionId, roomName, user1, user2}, user1 having waited longer.
           A deadline `match:` is left for the end of the cooldown that kept a pair apart. A run that has looked at
           too many gives up, and the next one goes on from there.
  Events: none.
]]
-- @include once
-- @include matches

local MAX_COMPARISONS = 4000 -- bounds the time Redis is kept busy
local LATER_MS = 5000

local wanted = #ARGV / 2
local free, found = {}, {} -- users without a partner yet, and pairs of users
local next_cooldown_end

-- The longest waiting free user that may meet `id`; its index.
local comparisons = 0
local function find_partner(id)
  for i, other in ipairs(free) do
    comparisons = comparisons + 1
    local is_blocked, at = are_blocked(other, id), cooling_until(other, id)
    if not (is_blocked or at) then return i end
    if not is_blocked then next_cooldown_end = math.min(next_cooldown_end or at, at) end
  end
end

-- Where the last run gave up: many who may not meet each other must not hide who stands behind them.
local from = natural(redis.call('GET', KEY.match_from()) or nil) or 0
local visited = each_in_line(from, RULES.match_scan, function(id)
  local partner = find_partner(id)
  if partner then
    table.insert(found, { table.remove(free, partner), id })
  else
    table.insert(free, id)
  end
  return #found == wanted or comparisons > MAX_COMPARISONS
end)

local function reserve(first, second, session, room)
  redis.call('ZREM', KEY.queue(), first, second)
  redis.call('HSET', KEY.user(first), 'reservation', session)
  redis.call('HSET', KEY.user(second), 'reservation', session)
  redis.call('HSET', KEY.match(session), 'phase', 'reserved', 'roomName', room,
    'user1', first, 'user2', second, 'reservedAt', NOW)
  redis.call('ZADD', KEY.matches(), NOW, session)
  deadline_set('reservation', session, NOW + RULES.reservation_ms)
  return { sessionId = session, roomName = room, user1 = first, user2 = second }
end

if #found < wanted then
  if comparisons > MAX_COMPARISONS or visited == RULES.match_scan then
    redis.call('SET', KEY.match_from(), from + visited - 2 * #found, 'PX', LATER_MS)
  elseif from > 0 then
    redis.call('DEL', KEY.match_from())
  end
end

local reserved = {}
for i, pair in ipairs(found) do
  reserved[i] = reserve(pair[1], pair[2], ARGV[2 * i - 1], ARGV[2 * i])
end
if next_cooldown_end and #free > 1 then deadline_set('match', '', next_cooldown_end) end
return reply(OUTCOME.DONE, { pairs = reserved })
