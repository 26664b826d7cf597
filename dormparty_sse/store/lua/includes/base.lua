--[[
  What every script begins with. The loader has put before it, from Python's one definition each:
  KEY (key builders), TRANSITIONS, STATE_SETS, RULES, ENDINGS and OUTCOME.

  POOL is the hash tag of the pool: every key starts with it, so all are in one slot.
  NOW is Redis's clock in ms: no process's clock matters.
]]
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local transitions = {} -- of this script, in order
local rematch = false  -- did anybody come into the queue?

-- A hash as a table, or nil where there is none.
local function hash_get(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local hash = {}
  for i = 1, #flat, 2 do hash[flat[i]] = flat[i + 1] end
  return hash
end

-- Deadlines are data: whoever sees one fall due executes it (deadlines_run.lua).
local function deadline_set(kind, id, at)
  redis.call('ZADD', KEY.deadlines(), at, kind .. ':' .. id)
end

local function deadline_clear(kind, id)
  redis.call('ZREM', KEY.deadlines(), kind .. ':' .. id)
end

-- The answer of every script: JSON, read by store/scripts.py.
local function reply(outcome, fields)
  fields = fields or {}
  fields.outcome = outcome
  fields.now = NOW
  fields.transitions = transitions
  fields.rematch = rematch
  local first = redis.call('ZRANGE', KEY.deadlines(), 0, 0, 'WITHSCORES')
  fields.dueAt = tonumber(first[2])
  return cjson.encode(fields)
end
