--[[
  Users: a hash each, and one of the five state sets. A user table here is the hash plus `id`. A script reads each
  user once, and what it changes is written once, at its end.
]]
-- @include base
-- @include events
-- @include statistics
-- @include person

local users = {} -- by id; false where there is none
local changed = {} -- by id: the names of the fields to write

local function user_get(id)
  if users[id] == nil then
    local user = hash_get(KEY.user(id))
    if user then user.id = id end
    users[id] = user or false
    devices[id] = user and user.device -- so that it need not be asked for again
  end
  return users[id] or nil
end

-- Changes fields; false removes one.
local function user_set(user, fields)
  local names = changed[user.id] or {}
  changed[user.id] = names
  for name, value in pairs(fields) do
    if value ~= false then
      user[name] = tostring(value)
      names[name] = true
    elseif user[name] then
      user[name] = nil
      names[name] = true
    end
  end
end

local function user_count(user, field, by)
  user_set(user, { [field] = (natural(user[field]) or 0) + (by or 1) })
end

-- What the user has asked for last.
local function user_act(user, action)
  user_set(user, { lastAction = action, lastActionAt = NOW })
end

-- The seq of the user's last step. A record that has lost it has a log that tells.
local function last_seq(user)
  local seq = natural(user.seq)
  if seq then return seq end
  for _, entry in ipairs(redis.call('XREVRANGE', KEY.log(user.id), '+', '-')) do
    if seq_of(entry) then return seq_of(entry) end
  end
  return 0
end

-- Takes out of the log what is too old to resume from. The newest such entry stays: whoever has that can go on.
local function log_trim(id)
  local log = KEY.log(id)
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not oldest or time_of(oldest) >= NOW - RULES.log_age_ms then return end
  local newest_too_old = redis.call('XREVRANGE', log, NOW - RULES.log_age_ms - 1, '-', 'COUNT', 1)[1]
  if redis.call('XTRIM', log, 'MINID', newest_too_old[1]) == 0 then return end
  local user = user_get(id)
  if not user then return end -- somebody has deleted the record; the audit finds what is left
  local from = last_seq(user) + 1
  for _, entry in ipairs(redis.call('XREVRANGE', log, '+', '-')) do from = seq_of(entry) or from end
  user_set(user, { logFrom = from })
end

table.insert(before_reply, function()
  for id in pairs(told) do log_trim(id) end
end)

table.insert(before_reply, function()
  for id, names in pairs(changed) do
    local user, set, unset = users[id], {}, {}
    for name in pairs(names) do
      if user[name] then
        table.insert(set, name)
        table.insert(set, user[name])
      else
        table.insert(unset, name)
      end
    end
    if #set > 0 then redis.call('HSET', KEY.user(id), unpack(set)) end
    if #unset > 0 then redis.call('HDEL', KEY.user(id), unpack(unset)) end
  end
end)

local function last_seen(id)
  return tonumber(redis.call('ZSCORE', KEY.presence(), id) or 0)
end

-- Is the user not there for the moment (presence.lua)?
local function is_away(id)
  return redis.call('ZSCORE', KEY.away(), id) ~= false
end

local function user_make(id)
  local user = { id = id }
  users[id] = user
  local device = device_of(id)
  user_set(user, { state = 'IDLE', seq = 0, since = NOW, createdAt = NOW, device = device ~= '' and device })
  redis.call('ZADD', KEY.idle(), NOW, id)
  redis.call('ZADD', KEY.presence(), NOW, id)
  deadline_set('presence', id, NOW + RULES.user_ttl_ms)
  return user
end

-- The user who acts, or nil. One without a state cannot be served before it is repaired, so nothing happens.
local function user_acting(id)
  local user = user_get(id)
  assert(not user or TRANSITIONS[user.state], 'user ' .. id .. ' has no state')
  return user
end

-- Does the user's state allow this action (domain/actions.py)?
local function user_may(user, action)
  return ACTIONS[action][user.state] ~= nil
end

-- Is there something to do for this action, or only to answer?
local function user_acts(user, action)
  return ACTIONS[action][user.state] == 'acts'
end

-- Nothing of the user stays, save what protects others from it, and it from others. The caller has seen to its match and its place in line.
local function user_forget(id)
  for _, set in pairs(STATE_SETS) do redis.call('ZREM', KEY[set](), id) end
  redis.call('ZREM', KEY.presence(), id)
  redis.call('ZREM', KEY.away(), id)
  deadline_clear('presence', id)
  for _, other in ipairs(redis.call('ZRANGE', KEY.cooldowns(id), 0, -1)) do
    redis.call('ZREM', KEY.cooldowns(other), id)
  end
  device_keep(id)
  if person_of(id) == id then redis.call('DEL', KEY.skips(id), KEY.skip_cooldown(id)) end -- nobody comes back as it
  redis.call('DEL', KEY.user(id), KEY.log(id), KEY.cooldowns(id), KEY.partners(id), KEY.reported(id))
  users[id], changed[id], told[id] = false, nil, nil
end

local forced = false -- are the steps of this script an admin's?

-- The step itself. The caller emits the event that carries it, with the `seq` set here.
local function transition(user, to, reason, session)
  local from = user.state
  assert(TRANSITIONS[from][to], 'no step from ' .. from .. ' to ' .. to)
  redis.call('ZREM', KEY[STATE_SETS[from]](), user.id)
  redis.call('ZADD', KEY[STATE_SETS[to]](), NOW, user.id)
  local duration = NOW - (natural(user.since) or NOW)
  user_set(user, {
    state = to, previousState = from, since = NOW, seq = last_seq(user) + 1, lastReason = reason,
    forced = forced and 1,
  })
  if from == 'IN_CALL' then user_count(user, 'callMs', duration) end
  if from == 'IN_CALL' and duration >= RULES.conversation_ms then
    redis.call('HDEL', KEY.skip_cooldown(person_of(user.id)), 'level')
  end
  count('step:' .. from .. '>' .. to)
  count('ms:' .. from, duration)
  if forced then count('forced') end
  table.insert(transitions, {
    userId = user.id, from = from, to = to, reason = reason, forced = forced,
    durationMs = duration, seq = tonumber(user.seq), sessionId = session,
  })
end

local function answer(outcome, user, fields)
  fields = fields or {}
  fields.state = user.state
  fields.seq = last_seq(user)
  return reply(outcome, fields)
end
