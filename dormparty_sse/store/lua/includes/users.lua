--[[
  Users: a hash each, and one of the five state sets. A user table here is the hash plus `id`.
]]
-- @include base
-- @include events

local function user_get(id)
  local user = hash_get(KEY.user(id))
  if user then user.id = id end
  return user
end

-- Writes fields to the hash and to the table alike; false removes one.
local function user_set(user, fields)
  for name, value in pairs(fields) do
    if value == false then
      redis.call('HDEL', KEY.user(user.id), name)
      user[name] = nil
    else
      redis.call('HSET', KEY.user(user.id), name, value)
      user[name] = tostring(value)
    end
  end
end

-- A sign of life: a request, or a ping that a stream took.
local function user_seen(id)
  redis.call('ZADD', KEY.presence(), NOW, id)
end

local function reachable(id)
  local seen = tonumber(redis.call('ZSCORE', KEY.presence(), id) or 0)
  return seen >= NOW - RULES.unreachable_after_ms
end

-- The user, made on first sight; a sign of life either way.
local function user_ensure(id)
  user_seen(id)
  local user = user_get(id)
  if user then return user end
  user = { id = id }
  user_set(user, { state = 'IDLE', seq = 0, since = NOW, createdAt = NOW })
  redis.call('ZADD', KEY.idle(), NOW, id)
  deadline_set('presence', id, NOW + RULES.user_ttl_ms)
  return user
end

-- The step itself. The caller emits the event that carries it, with the `seq` set here.
local function transition(user, to, reason, session)
  local from = user.state
  assert(TRANSITIONS[from][to], 'no step from ' .. from .. ' to ' .. to)
  redis.call('ZREM', KEY[STATE_SETS[from]](), user.id)
  redis.call('ZADD', KEY[STATE_SETS[to]](), NOW, user.id)
  local duration = NOW - tonumber(user.since)
  user_set(user, { state = to, previousState = from, since = NOW, seq = user.seq + 1, lastReason = reason })
  table.insert(transitions, {
    userId = user.id, from = from, to = to, reason = reason,
    durationMs = duration, seq = tonumber(user.seq), sessionId = session,
  })
end

local function answer(outcome, user, fields)
  fields = fields or {}
  fields.state = user.state
  fields.seq = tonumber(user.seq)
  return reply(outcome, fields)
end
