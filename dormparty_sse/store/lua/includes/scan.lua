--[[
  All users of a pool, some at a time. `presence` has every user for all its life, so nobody who stays is missed;
  the state sets and the queue are gone through for those whom `presence` lacks, which should be none.
]]
-- @include base

local INDEXES = { 'presence', 'queue', 'away' }
for _, set in pairs(STATE_SETS) do table.insert(INDEXES, set) end
table.sort(INDEXES)

-- Shows `visit` about `many` users, from `cursor` in the index of number `at` on. Returns the number and the cursor
-- to go on with, or nil when all were shown. Somebody may be shown twice.
local function each_user(at, cursor, many, visit)
  local shown = 0
  while at <= #INDEXES and shown < many do
    local index = INDEXES[at]
    local answer = redis.call('ZSCAN', KEY[index](), cursor, 'COUNT', many - shown)
    for i = 1, #answer[2], 2 do
      local id = answer[2][i]
      shown = shown + 1
      if index == 'presence' or not redis.call('ZSCORE', KEY.presence(), id) then visit(id) end
    end
    cursor = answer[1]
    if cursor == '0' then at = at + 1 end
  end
  if at <= #INDEXES then return at, cursor end
end

-- The names of the state sets that a user is in.
local function states_of(id)
  local states = {}
  for state, set in pairs(STATE_SETS) do
    if redis.call('ZSCORE', KEY[set](), id) then table.insert(states, state) end
  end
  return states
end
