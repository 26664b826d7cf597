--[[
  Who is in the room of a match, as far as LiveKit has said: by webhook, or when asked. Fields of the match, for each
  of its two users: `sid:USER` (of the participant that counts), `joinedAt:USER` (by LiveKit's clock, ms),
  `absentSince:USER` (missing from a call that goes on, ms), `aloneSince:USER` (the other one has gone, ms); for the
  room: `occupancyAt` (last heard of, ms).
]]
-- @include presence

-- A participant does not count any more. Whoever is left behind is alone from now on.
local function participant_out(match, id)
  note_alone(match, id)
  occupancy_set(match, { ['sid:' .. id] = false, occupancyAt = NOW })
  left_alone(match, partner_of(match, id))
end

-- Is this the participant that counts? An old session's news is none, once a newer one has joined.
local function is_newest(match, id, sid, joined_at)
  local counted = match['sid:' .. id]
  return redis.call('EXISTS', KEY.gone(sid)) == 0
    and (not counted or counted == sid or (natural(match['joinedAt:' .. id]) or 0) <= joined_at)
end

-- A user is in the room of its open match. Both in it: the call starts.
local function participant_in(match, id, sid, joined_at, reason)
  occupancy_set(match, {
    ['sid:' .. id] = sid, ['joinedAt:' .. id] = joined_at, ['absentSince:' .. id] = false,
    occupancyAt = NOW, ['aloneSince:' .. partner_of(match, id)] = false,
  })
  local user = user_get(id)
  if user then user_set(user, { roomJoinedAt = NOW }) end
  if match['sid:' .. partner_of(match, id)] then call_start(match, reason) end
end

-- A user is out of the room, and may be in it again in a moment: LiveKit will be asked.
local function participant_missed(match, id)
  occupancy_set(match, { ['absentSince:' .. id] = NOW, occupancyAt = NOW })
  left_alone(match, partner_of(match, id))
  deadline_set('look', match.id, NOW + RULES.alone_grace_ms)
end

-- It is: it was not seen by mistake.
local function participant_found(match, id)
  if not match['absentSince:' .. id] then return end
  occupancy_set(match, { ['absentSince:' .. id] = false, ['aloneSince:' .. partner_of(match, id)] = false })
end
