--[[
  Matches. A match is `reserved` while its room is made, then `open`, then `closing` until LiveKit has
  confirmed that the room is gone, then `closed`, and forgotten after a while. A match table here is
  the hash plus `id`.
]]
-- @include queue
-- @include cooldown

local function match_get(id)
  local match = hash_get(KEY.match(id))
  if match then match.id = id end
  return match
end

-- Changes fields of the match; false removes one.
local function occupancy_set(match, fields)
  for name, value in pairs(fields) do
    if value ~= false then
      match[name] = tostring(value)
      redis.call('HSET', KEY.match(match.id), name, value)
    elseif match[name] then
      match[name] = nil
      redis.call('HDEL', KEY.match(match.id), name)
    end
  end
end

-- The other one of the two has gone: whoever is in the room now is alone in it.
local function left_alone(match, id)
  if not match['sid:' .. id] or match['aloneSince:' .. id] then return end
  occupancy_set(match, { ['aloneSince:' .. id] = NOW })
end

-- One of the two is out of the room. If it was left alone there, that is over.
local function note_alone(match, id)
  local since = natural(match['aloneSince:' .. id])
  if not since then return end
  table.insert(alone_ms, NOW - since)
  occupancy_set(match, { ['aloneSince:' .. id] = false })
end

-- Is `session` the user's match of now, an older one of its own, or other people's? '' means now.
local function fence(user, session)
  if session == '' or session == user.sessionId then return 'current' end
  local users = redis.call('HMGET', KEY.match(session), 'user1', 'user2')
  if users[1] and users[1] ~= user.id and users[2] ~= user.id then return 'foreign' end
  return 'older'
end

-- The room is no longer needed: from now on its deletion is tried until LiveKit confirms it.
local function room_close(session)
  deadline_set('room', session, NOW)
end

-- The ids of the two; '' is nobody, where the record lacks one.
local function people_of(match)
  return { match.user1 or '', match.user2 or '' }
end

local function is_member(match, id)
  return match ~= nil and (match.user1 == id or match.user2 == id)
end

local function partner_of(match, id)
  local people = people_of(match)
  return people[1] == id and people[2] or people[1]
end

-- The match is over, and remembered for a while as a fence.
local function match_close(session)
  deadline_clear('room', session)
  redis.call('ZREM', KEY.matches(), session)
  if redis.call('EXISTS', KEY.match(session)) == 0 then return end
  redis.call('HSET', KEY.match(session), 'phase', 'closed')
  redis.call('PEXPIRE', KEY.match(session), RULES.match_ttl_ms)
end

-- Undoes a reservation: both are free to be matched again, where they stood.
local function reservation_release(match)
  for _, id in ipairs(people_of(match)) do
    local user = user_get(id)
    if user and user.reservation == match.id then
      user_set(user, { reservation = false })
      if user.state == 'WAITING' then queue_add(user, true) end
    end
  end
  deadline_clear('reservation', match.id)
  redis.call('HSET', KEY.match(match.id), 'phase', 'closing')
  room_close(match.id)
end

-- The match that a user is held for while its room is made, or nil.
local function reservation_of(user)
  local match = user.reservation and match_get(user.reservation)
  return match and match.phase == 'reserved' and is_member(match, user.id) and match or nil
end

-- A WAITING user's way home. A partner held for the same match is let go at once.
local function leave_queue(user, reason)
  local match = reservation_of(user)
  user_set(user, { reservation = false })
  if match then reservation_release(match) end
  go_idle(user, reason)
end

-- A DISCONNECTING user is out of the room: on to where it was headed.
local function user_out(user)
  local session, target, reason = user.sessionId or '', user.targetState, user.lastReason or 'room-failed'
  local match = match_get(session)
  local keep_place = user.keepPlace == '1'
  if match then note_alone(match, user.id) end
  deadline_clear('leave', user.id)
  user_set(user, {
    sessionId = false, currentRoom = false, matchedWith = false, roomJoinedAt = false,
    targetState = false, keepPlace = false,
    joinedQueueAt = NOW, -- a place may be old; the waiting begins anew after a call
  })
  if target == 'WAITING' then
    requeue(user, reason, session, keep_place)
  else
    go_idle(user, reason, session)
  end
  local partner = match and user_get(partner_of(match, user.id))
  if match and not (partner and partner.sessionId == session) then room_close(session) end
end

-- What one of the two is told and where it goes when the match ends.
local function user_leave_match(user, match, reason, is_leaver, initiator)
  local ending = ENDINGS[reason]
  local target = is_leaver and ending.leavers_to or 'WAITING'
  local confirmed = is_leaver and ending.leavers_get or 'force-disconnect'
  local keep_place = not is_leaver and ending.others_keep_place
  local in_call = user.state == 'IN_CALL'

  local event = { sessionId = match.id, targetState = target }
  if reason == 'skip' and is_leaver then event.cooldownUntil = skip_cooldown(user) end
  if confirmed == 'force-disconnect' then
    event.reason = is_leaver and reason or ending.others_see
    event.initiatedBy = initiator
    user_set(user, { notification = cjson.encode({
      sessionId = match.id, reason = reason, initiatedBy = initiator, timestamp = NOW, targetState = target,
    }) })
  else
    user_set(user, { notification = false }) -- that of an earlier match
  end
  if in_call then
    transition(user, 'DISCONNECTING', reason, match.id)
    user_set(user, { targetState = target, keepPlace = keep_place and 1 or 0 })
    deadline_set('leave', user.id, NOW + RULES.leave_timeout_ms)
    event.state, event.seq = user.state, tonumber(user.seq)
  end
  emit(user.id, confirmed, event)
  emit(user.id, 'room-closing', { roomName = match.roomName, sessionId = match.id, reason = reason })
  if in_call then return end
  note_alone(match, user.id)

  -- From CONNECTING the way to IDLE leads through WAITING, in this same step: no matcher sees it.
  user_set(user, { sessionId = false, currentRoom = false, matchedWith = false, roomJoinedAt = false })
  requeue(user, reason, match.id, keep_place)
  if target == 'IDLE' then go_idle(user, reason, match.id) end
end

-- The users of a match who are in it now; who caused its end comes first.
local function match_members(match, leavers)
  local ids = people_of(match)
  if leavers[ids[2]] and not leavers[ids[1]] then ids = { ids[2], ids[1] } end
  local members = {}
  for _, id in ipairs(ids) do
    local user = user_get(id)
    local in_match = user and (user.state == 'CONNECTING' or user.state == 'IN_CALL')
    if in_match and user.sessionId == match.id then table.insert(members, user) end
  end
  return members
end

-- Ends an open match. leavers: set of the users who caused it (see domain/endings.py).
local function match_end(match, reason, leavers)
  local ending, a, b = ENDINGS[reason], unpack(people_of(match))
  local first, second = leavers[a] or false, leavers[b] or false
  local initiator
  if first ~= second then initiator = first and a or b end

  redis.call('HSET', KEY.match(match.id), 'phase', 'closing', 'endedAt', NOW, 'reason', reason,
    'initiatedBy', initiator or '')
  for _, kind in ipairs({ 'connect', 'look', 'call' }) do deadline_clear(kind, match.id) end
  if ending.cools then keep_apart(a, b, NOW + RULES.pair_cooldown_ms) end

  count('end:' .. reason)
  local awaited = false -- is anybody still to leave the room?
  for _, user in ipairs(match_members(match, leavers)) do
    awaited = awaited or user.state == 'IN_CALL'
    user_leave_match(user, match, reason, leavers[user.id] or false, initiator)
  end
  if not awaited then room_close(match.id) end
end

-- A user believes in a match that is not there: it has ended, for this one.
local function match_lose(user, reason, is_leaver)
  local lost = { id = user.sessionId or '', roomName = user.currentRoom or '' }
  user_leave_match(user, lost, reason, is_leaver, is_leaver and user.id or nil)
end

-- The open match a user is in, or nil.
local function open_match(user)
  if user.state ~= 'CONNECTING' and user.state ~= 'IN_CALL' then return nil end
  return match_get(user.sessionId or '')
end

-- A user in a match leaves it. Where the match does not know of that user, it is the user's affair alone.
local function match_leave(user, reason)
  local match = open_match(user)
  if is_member(match, user.id) and match.phase == 'open' then
    match_end(match, reason, { [user.id] = true })
  else
    match_lose(user, reason, true)
  end
end

-- Both are in the room: CONNECTING -> IN_CALL.
local function call_start(match, reason)
  for _, user in ipairs(match_members(match, {})) do
    if user.state == 'CONNECTING' then
      transition(user, 'IN_CALL', reason, match.id)
      user_count(user, 'calls')
      emit(user.id, 'call-started', {
        sessionId = match.id, roomName = match.roomName, state = user.state, seq = tonumber(user.seq),
      })
    end
  end
  deadline_clear('connect', match.id)
end

-- Do both of an open match stand in it, each the other's partner?
local function match_whole(match)
  if match.user1 == match.user2 or not match.roomName then return false end
  local members = match_members(match, {})
  if #members ~= 2 then return false end
  for _, user in ipairs(members) do
    if user.matchedWith ~= partner_of(match, user.id) or user.currentRoom ~= match.roomName then return false end
  end
  return true
end
