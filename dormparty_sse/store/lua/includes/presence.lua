--[[
  Who is there. A user is away once its client has closed the stream without a word, or once it has not been seen
  for too long: nobody is matched with it, and its partner is told. A sign of life ends that, so each script that
  takes one may tell a partner so, beyond what its header says. Doing it again tells nothing again.

  A user's `stream` is `open` from the first stream on; it is `lost` once a client has closed the newest one. Whoever
  then goes on with requests alone has none.
]]
-- @include matches

-- What becomes of a call whose user is away is settled then, unless the user is back.
local function comes_back_by(away_since)
  return away_since + RULES.come_back_ms
end

-- Not seen for so long, somebody who listens is away: so the call of whoever never comes back ends when
-- `unreachable_after` is over.
local function listener_is_away_at(seen)
  return seen + RULES.unreachable_after_ms - RULES.come_back_ms
end

local function tell_partner(user, event_type, fields)
  local match = open_match(user)
  if not match or match.phase ~= 'open' then return end
  local partner = partner_of(match, user.id)
  if is_away(user.id) then
    left_alone(match, partner)
  else
    occupancy_set(match, { ['aloneSince:' .. partner] = false })
  end
  fields.sessionId = match.id
  emit(partner, event_type, fields)
end

local function user_goes_away(user)
  if redis.call('ZADD', KEY.away(), 'NX', NOW, user.id) == 0 then return end
  redis.call('ZREM', KEY.queue(), user.id)
  deadline_set('presence', user.id, comes_back_by(NOW))
  tell_partner(user, 'partner-reconnecting', { endsAt = comes_back_by(NOW) })
end

local function user_comes_back(user)
  if redis.call('ZREM', KEY.away(), user.id) == 0 then return end
  if user.state == 'WAITING' and not user.reservation then queue_add(user, true) end
  tell_partner(user, 'partner-back', {})
end

-- The user of a request, made on first sight. Streams of somebody whom Redis had lost, and now takes for new,
-- begin anew.
local function user_ensure(id)
  local user = user_acting(id)
  if not user then
    redis.call('PUBLISH', KEY.events(id), '?')
    return user_make(id)
  end
  redis.call('ZADD', KEY.presence(), NOW, id)
  if user.stream == 'lost' then user_set(user, { stream = false }) end
  user_comes_back(user)
  return user
end
