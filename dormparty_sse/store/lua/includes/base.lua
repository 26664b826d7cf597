--[[
  What every script begins with. The loader has put before it, from Python's one definition each, whatever of
  these the script uses: KEY (key builders), TRANSITIONS, STATE_SETS, RULES, ENDINGS, ACTIONS and OUTCOME.

  POOL is the hash tag of the pool: every key starts with it, so all are in one slot.
  NOW is Redis's clock in ms: no process's clock matters.
  OPERATION is the id of this very command, or '' (see once.lua).
]]
local POOL_NAME = POOL:sub(2, -2) -- without the braces of the tag
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local OPERATION = table.remove(ARGV)

local transitions = {} -- of this script, in order
local rematch = false  -- did anybody come into the queue?
local alone_ms = {}    -- how long those were alone in a room who are out of it now
local due_at           -- the earliest deadline that this script has set, if any
local before_reply = {} -- functions that write what the script has put aside
local after_reply = {} -- functions that are given the answer

-- A hash as a table, or nil where there is none.
local function hash_get(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local hash = {}
  for i = 1, #flat, 2 do hash[flat[i]] = flat[i + 1] end
  return hash
end

-- A field that must be a natural number, as one; nil where it is none, or has more digits than Lua writes in full.
local function natural(text)
  return text and #text <= 14 and text:match('^%d+$') and tonumber(text) or nil
end

-- A field that must be a JSON list or object, as a table; nil where it is none.
local function json_table(text)
  local is_json, value = pcall(cjson.decode, text or '')
  return is_json and type(value) == 'table' and value or nil
end

-- Deadlines are data: whoever sees one fall due executes it (deadlines_run.lua).
local function deadline_set(kind, id, at)
  due_at = math.min(due_at or at, at)
  redis.call('ZADD', KEY.deadlines(), at, kind .. ':' .. id)
end

local function deadline_clear(kind, id)
  redis.call('ZREM', KEY.deadlines(), kind .. ':' .. id)
end

-- The answer of every script: JSON, read by store/store.py.
local function reply(outcome, fields)
  for _, write in ipairs(before_reply) do write() end
  fields = fields or {}
  fields.outcome = outcome
  fields.now = NOW
  fields.transitions = transitions
  fields.rematch = rematch
  fields.aloneMs = #alone_ms > 0 and alone_ms or nil
  fields.dueAt = due_at
  local answer = cjson.encode(fields)
  for _, keep in ipairs(after_reply) do keep(answer) end
  return answer
end
