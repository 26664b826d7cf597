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
    user_set(user, { state = 'IDLE', since = NOW, seq = user.seq + 1 })
    emit(user.id, 'idle', { state = 'IDLE', seq = tonumber(user.seq), reason = 'admin' })
    mended('had no state, is IDLE now')
  elseif not natural(user.since) then
    user_set(user, { since = natural(redis.call('ZSCORE', KEY[STATE_SETS[user.state]](), user.id)) or NOW })
    mended('was in its state since no time')
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
  if is_member(match, user.id) and match.phase == 'open' then match_end(match, 'room-failed', {}) end
  if user.state == 'CONNECTING' or user.state == 'IN_CALL' then match_lose(user, 'room-failed', false) end
  mended('was in a match that is none')
end

local function mend_leaving(user)
  if redis.call('ZSCORE', KEY.deadlines(), 'leave:' .. user.id) then return end
  deadline_set('leave', user.id, NOW)
  mended('would never have left its room')
end

-- Who waits has a place: that which the line has for it, else one at the tail.
local function mend_place(user)
  if not natural(user.place) then
    local place = natural(redis.call('ZSCORE', KEY.queue(), user.id)) or redis.call('INCR', KEY.next_place())
    user_set(user, { place = place })
    mended('had no place')
  end
  if not natural(user.joinedQueueAt) then
    user_set(user, { joinedQueueAt = user.since })
    mended('had been in line since no time')
  end
end

local function mend_free(user)
  for _, field in ipairs({ 'sessionId', 'currentRoom', 'matchedWith', 'targetState' }) do
    if user[field] then
      user_set(user, { [field] = false })
      mended('had ' .. field)
    end
  end
  local match = reservation_of(user)
  local waiting = user.state == 'WAITING'
  if waiting then mend_place(user) end
  if user.reservation and not (match and waiting) then
    user_set(user, { reservation = false })
    mended('was held for a match that is none')
    if match then reservation_release(match) end
    match = nil
  end
  local in_line = redis.call('ZSCORE', KEY.queue(), user.id) or is_away(user.id)
  if waiting and not match and not in_line then
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

-- The seqs of the steps in the user's log, newest first.
local function logged_seqs(user)
  local seqs, entries = {}, redis.call('XREVRANGE', KEY.log(user.id), '+', '-')
  for _, entry in ipairs(entries) do table.insert(seqs, seq_of(entry)) end
  return seqs, #entries >= RULES.log_length
end

-- A log with a gap tells no story: it begins anew, and so do the streams.
local function mend_log(user)
  local seqs, is_full = logged_seqs(user)
  if not natural(user.seq) then
    user_set(user, { seq = seqs[1] or 0 })
    mended('had no seq')
  end
  local newest = tonumber(user.seq)
  local wanted, is_whole = newest, true
  for _, seq in ipairs(seqs) do
    is_whole = is_whole and seq == wanted
    wanted = wanted - 1
  end
  if is_whole and (is_full or wanted + 1 == (natural(user.logFrom) or 1)) then return end
  redis.call('DEL', KEY.log(user.id))
  user_set(user, { logFrom = newest + 1 })
  redis.call('PUBLISH', KEY.events(user.id), '?')
  mended('had a gap in its log')
end

local user = user_get(ARGV[1])
if not user or not (TRANSITIONS[user.state] or natural(user.since)) then
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
