--[[
  Everything the audit looks at, as of one moment. Reads the whole pool: for tests and for small pools.

    KEYS[1]  the pool's hash tag
  Returns: done, with `sets` (state -> user ids), `queue`, `users` (hashes with their log), `matches` (hashes),
           `deadlines` ({member, at}), `cooldowns` ({user, other, until}).
  Events: none.
]]
-- @include base

local fields = { sets = {}, queue = redis.call('ZRANGE', KEY.queue(), 0, -1), users = {}, matches = {} }
fields.deadlines, fields.cooldowns = {}, {}

local function pairs_of(key, add)
  local flat = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #flat, 2 do add(flat[i], tonumber(flat[i + 1])) end
end

local function add_user(id)
  local user = hash_get(KEY.user(id)) or {}
  user.log = {}
  for _, entry in ipairs(redis.call('XRANGE', KEY.log(id), '-', '+')) do
    table.insert(user.log, entry[2][2])
  end
  fields.users[id] = user
  pairs_of(KEY.cooldowns(id), function(other, at) table.insert(fields.cooldowns, { id, other, at }) end)
end

for state, set in pairs(STATE_SETS) do
  fields.sets[state] = redis.call('ZRANGE', KEY[set](), 0, -1)
  for _, id in ipairs(fields.sets[state]) do add_user(id) end
end
for _, session in ipairs(redis.call('ZRANGE', KEY.matches(), 0, -1)) do
  fields.matches[session] = hash_get(KEY.match(session)) or {}
end
pairs_of(KEY.deadlines(), function(member, at) table.insert(fields.deadlines, { member, at }) end)
return reply(OUTCOME.DONE, fields)
