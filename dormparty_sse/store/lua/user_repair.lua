--[[
  Looks at one user anew, and mends what does not hang together. What the metadata says is taken for true; what
  contradicts it gives way; a user in a match that is none goes back to its place in the queue.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
  Returns: done, with `repairs`: what was mended, in words; nothing where all was well.
  Events: those of the ending room-failed; idle for a state that was none.
]]
-- @include once
-- @include cleanup

local repairs = {}
local function mended(what) table.insert(repairs, what) end

local function mend_state(user)
  if not TRANSITIONS[user.state] then
    user_set(user, { state = 'IDLE', since = NOW, seq = (tonumber(user.seq) or 0) + 1 })
    emit(user.id, 'idle', { state = 'IDLE', seq = tonumber(user.seq), reason = 'admin' })
    mended('had no state, is IDLE now')
  end
  for state, set in pairs(STATE_SETS) do
    local score = redis.call('ZSCORE', KEY[set](), user.id)
    if state == user.state and not score then
      redis.call('ZADD', KEY[set](), user.since, user.id)
      mended('was not in the set of its state')
    elseif state ~= user.state and score then
      redis.call('ZREM', KEY[set](), user.id)
      mended('was in the set ' .. state)
    end
  end
end

local function mend_presence(user)
  if not redis.call('ZSCORE', KEY.presence(), user.id) then
    redis.call('ZADD', KEY.presence(), NOW, user.id)
    mended('was not in the index of users')
  end
  if not redis.call('ZSCORE', KEY.deadlines(), 'presence:' .. user.id) then
    deadline_set('presence', user.id, NOW + RULES.stale_after_ms)
    mended('would never have been forgotten')
  end
end

local function mend_match(user)
  local match = open_match(user)
  if match and match.phase == 'open' and match_whole(match) then return end
  local is_member = match and match.phase == 'open' and (match.user1 == user.id or match.user2 == user.id)
  if is_member then match_end(match, 'room-failed', {}) end
  if user.state == 'CONNECTING' or user.state == 'IN_CALL' then
    local lost = { id = user.sessionId or '', roomName = user.currentRoom or '' }
    user_leave_match(user, lost, 'room-failed', false)
  end
  mended('was in a match that is none')
end

local function mend_leaving(user)
  if redis.call('ZSCORE', KEY.deadlines(), 'leave:' .. user.id) then return end
  deadline_set('leave', user.id, NOW)
  mended('would never have left its room')
end

local function mend_free(user)
  for _, field in ipairs({ 'sessionId', 'currentRoom', 'matchedWith', 'targetState' }) do
    if user[field] then
      user_set(user, { [field] = false })
      mended('had ' .. field)
    end
  end
  local match = user.reservation and match_get(user.reservation)
  local reserved = match and match.phase == 'reserved' and (match.user1 == user.id or match.user2 == user.id)
  local waiting = user.state == 'WAITING'
  if user.reservation and not (reserved and waiting) then
    user_set(user, { reservation = false })
    mended('was held for a match that is none')
    if reserved then reservation_release(match) end
    reserved = false
  end
  local in_line = redis.call('ZSCORE', KEY.queue(), user.id) or is_away(user.id)
  if waiting and not reserved and not in_line then
    queue_add(user, true)
    mended('was not in line')
  end
end

local function mend_line(user)
  if user.state == 'WAITING' and not user.reservation and not is_away(user.id) then return end
  if redis.call('ZREM', KEY.queue(), user.id) == 1 then mended('was in line') end
end

-- Does anything but its own record know this user?
local function is_listed(id)
  local places = { KEY.presence(), KEY.queue(), KEY.away() }
  for _, set in pairs(STATE_SETS) do table.insert(places, KEY[set]()) end
  for _, place in ipairs(places) do
    if redis.call('ZSCORE', place, id) then return true end
  end
  return redis.call('EXISTS', KEY.user(id), KEY.log(id)) > 0
end

-- A log with a gap tells no story: it begins anew, and so do the streams.
local function mend_log(user)
  local newest = tonumber(user.seq)
  local wanted = newest
  local entries = redis.call('XREVRANGE', KEY.log(user.id), '+', '-')
  for _, entry in ipairs(entries) do
    local seq = cjson.decode(entry[2][2]).seq
    if seq and seq ~= wanted then wanted = -1 break end
    if seq then wanted = wanted - 1 end
  end
  local first = #entries >= RULES.log_length and wanted + 1 or tonumber(user.logFrom) or 1
  if wanted + 1 == first then return end
  redis.call('DEL', KEY.log(user.id))
  user_set(user, { logFrom = newest + 1 })
  redis.call('PUBLISH', KEY.events(user.id), '?')
  mended('had a gap in its log')
end

local user = user_get(ARGV[1])
if not (user and tonumber(user.since)) then
  if not is_listed(ARGV[1]) then return reply(OUTCOME.NOTHING) end
  user_remove(ARGV[1])
  mended('was not known')
  return reply(OUTCOME.DONE, { repairs = repairs })
end

mend_log(user) -- before the others add to it
mend_state(user)
mend_presence(user)
if user.state == 'CONNECTING' or user.state == 'IN_CALL' then
  mend_match(user)
elseif user.state == 'DISCONNECTING' then
  mend_leaving(user)
else
  mend_free(user)
end
mend_line(user)
if #repairs == 0 then return reply(OUTCOME.NOTHING) end
return reply(OUTCOME.DONE, { repairs = repairs })
