--[[
  The users of a pool, whatever their state, by how long they have been in it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  `oldest` or `newest`: who comes first
    ARGV[2]  how many at most
    ARGV[3]  only those who have been in their state for longer than this many ms, or ''
    ARGV[4]  since when the last user of the page before has been in its state, or '' for the first page
    ARGV[5]  that user's id
  Returns: done, with `entries`: {userId, since, state}, and `more`: are there any after these?
  Events: none.
]]
-- @include pages

local order, limit = ARGV[1], tonumber(ARGV[2])
local below = ARGV[3] == '' and '+inf' or string.format('(%d', NOW - ARGV[3])

local function comes_before(a, b)
  if order == 'newest' then a, b = b, a end
  if a[2] ~= b[2] then return a[2] < b[2] end
  return is_before(a[1], b[1])
end

-- Each state's page, in order, and how far it has gone into the page of all.
local pages, taken, more = {}, {}, false
for state, set in pairs(STATE_SETS) do
  local entries, more_there = sorted_page(KEY[set](), order, limit, below, ARGV[4], ARGV[5])
  pages[state], taken[state], more = entries, 0, more or more_there
end

local function take_next()
  local first, its_state
  for state, entries in pairs(pages) do
    local entry = entries[taken[state] + 1]
    if entry and (not first or comes_before(entry, first)) then first, its_state = entry, state end
  end
  if not first then return nil end
  taken[its_state] = taken[its_state] + 1
  return { first[1], first[2], its_state }
end

local found = {}
while #found < limit do
  local entry = take_next()
  if not entry then break end
  table.insert(found, entry)
end
for state, entries in pairs(pages) do more = more or taken[state] < #entries end
return reply(OUTCOME.DONE, { entries = found, more = more })
