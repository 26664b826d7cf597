--[[
  Everything the audit asks of some users, as of one moment.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done, with `users`, in order: id, data (the metadata), sets (the state sets it is in), inQueue, isAway,
           inPresence, entries (how many its log has), steps (runs of contiguous seqs in its log: {first, last}),
           match and reservation (the metadata of those it names). Long logs take time, so fewer may be there than
           were asked for, but at least one.
  Events: none.
]]
-- @include scan
-- @include events

local ENOUGH = 500 -- bounds the time Redis is kept busy; one is an entry of a log
local COST_OF_USER = 10

local function steps_in(entries)
  local runs = {}
  for _, entry in ipairs(entries) do
    local seq = seq_of(entry)
    local run = runs[#runs]
    if run and seq == run[2] + 1 then
      run[2] = seq
    elseif seq then
      table.insert(runs, { seq, seq })
    end
  end
  return runs
end

local function examine(id)
  local data = hash_get(KEY.user(id)) or {}
  local entries = redis.call('XRANGE', KEY.log(id), '-', '+')
  return {
    id = id,
    data = data,
    sets = states_of(id),
    inQueue = redis.call('ZSCORE', KEY.queue(), id) ~= false,
    isAway = redis.call('ZSCORE', KEY.away(), id) ~= false,
    inPresence = redis.call('ZSCORE', KEY.presence(), id) ~= false,
    entries = #entries,
    steps = steps_in(entries),
    match = data.sessionId and hash_get(KEY.match(data.sessionId)),
    reservation = data.reservation and hash_get(KEY.match(data.reservation)),
  }
end

local users, cost = {}, 0
for _, id in ipairs(ARGV) do
  local user = examine(id)
  table.insert(users, user)
  cost = cost + COST_OF_USER + user.entries
  if cost > ENOUGH then break end
end
return reply(OUTCOME.DONE, { users = users })
