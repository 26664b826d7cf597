--[[
  Pages of a sorted set. A page begins after an entry (score and member) that was shown last, be it still there or
  not: what comes and goes between two pages moves nobody else. Any number of entries may have one score.
]]
-- @include base

-- Byte by byte, as Redis orders the members of one score. Lua's own `<` goes by the locale.
local function is_before(a, b)
  for i = 1, math.min(#a, #b) do
    local of_a, of_b = a:byte(i), b:byte(i)
    if of_a ~= of_b then return of_a < of_b end
  end
  return #a < #b
end

-- How many entries stand before (score, member).
local function entries_before(key, score, member)
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if is_before(redis.call('ZRANGE', key, middle, middle)[1], member) then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

-- The entries { member, score } of one page, whether there are more, and how many stand before the first.
--   order        oldest: by rising score; newest: by falling score
--   below        a bound of ZCOUNT: only entries below it
--   after_score  '' for the first page
local function sorted_page(key, order, limit, below, after_score, after_member)
  local first, last = 0, redis.call('ZCOUNT', key, '-inf', below) - 1
  if after_score ~= '' then
    local before = entries_before(key, after_score, after_member)
    local is_there = tonumber(redis.call('ZSCORE', key, after_member)) == tonumber(after_score)
    if order == 'newest' then last = math.min(last, before - 1) else first = before + (is_there and 1 or 0) end
  end
  local from = order == 'newest' and math.max(first, last - limit + 1) or first
  local to = order == 'newest' and last or math.min(last, first + limit - 1)
  local entries = {}
  local flat = from <= to and redis.call('ZRANGE', key, from, to, 'WITHSCORES') or {}
  local start, stop, step = 1, #flat - 1, 2
  if order == 'newest' then start, stop, step = stop, start, -step end
  for i = start, stop, step do table.insert(entries, { flat[i], tonumber(flat[i + 1]) }) end
  return entries, from > first or to < last, from
end
