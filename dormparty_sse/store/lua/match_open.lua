--[[
  The room of a reserved pair is there: both WAITING -> CONNECTING.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
    ARGV[2]  the room's sid
  Returns: done; nothing where the reservation is gone, makes no sense, or is for somebody who is away (then the
           room is not needed).
  Events: new-match to both.
]]
-- @include once
-- @include presence

local AVERAGE_WAIT_TTL_MS = 600000

local function common_interests(a, b)
  local wanted, common = {}, {}
  for _, interest in ipairs(json_table(a) or {}) do wanted[interest] = true end
  for _, interest in ipairs(json_table(b) or {}) do
    if wanted[interest] then table.insert(common, interest) end
    wanted[interest] = nil -- once, however often somebody named it
  end
  return #common > 0 and common or nil
end

local function note_wait(user)
  local since = natural(user.joinedQueueAt)
  if not since then return end
  local waited = math.max(0, NOW - since)
  local average = natural(redis.call('GET', KEY.average_wait())) or waited
  redis.call('SET', KEY.average_wait(), math.floor(0.8 * average + 0.2 * waited), 'PX', AVERAGE_WAIT_TTL_MS)
end

-- Are there two who wait for just this match, and a room for them?
local function can_begin(match)
  for _, id in ipairs(people_of(match)) do
    local user = user_get(id)
    if not user or user.state ~= 'WAITING' or user.reservation ~= match.id then return false end
  end
  if are_blocked(match.user1, match.user2) then return false end
  return match.roomName ~= nil and match.user1 ~= match.user2
end

-- Whom the user may block or report from now on.
local function note_partner(user, session, partner)
  redis.call('LPUSH', KEY.partners(user.id), session .. ' ' .. partner)
  redis.call('LTRIM', KEY.partners(user.id), 0, RULES.partners_kept) -- this one is not past yet
  redis.call('PEXPIRE', KEY.partners(user.id), RULES.partners_ttl_ms)
end

local match = match_get(ARGV[1])
if not match or match.phase ~= 'reserved' then return reply(OUTCOME.NOTHING) end
if not can_begin(match) or is_away(match.user1) or is_away(match.user2) then
  reservation_release(match)
  return reply(OUTCOME.NOTHING)
end

local users = { user_get(match.user1), user_get(match.user2) }
local common = common_interests(users[1].interests, users[2].interests)
redis.call('HSET', KEY.match(match.id), 'phase', 'open', 'createdAt', NOW, 'roomSid', ARGV[2])
if common then redis.call('HSET', KEY.match(match.id), 'commonInterests', cjson.encode(common)) end
redis.call('ZADD', KEY.matches(), NOW, match.id)
deadline_clear('reservation', match.id)
deadline_set('connect', match.id, NOW + RULES.connect_timeout_ms)
deadline_set('call', match.id, NOW + RULES.longest_call_ms)

for i, user in ipairs(users) do
  local partner = users[3 - i]
  note_wait(user)
  transition(user, 'CONNECTING', 'matched', match.id)
  user_set(user, {
    reservation = false, sessionId = match.id, currentRoom = match.roomName, matchedWith = partner.id,
  })
  user_count(user, 'matches')
  note_partner(user, match.id, partner.id)
  if user.stream then deadline_set('presence', user.id, listener_is_away_at(NOW)) end
  emit(user.id, 'new-match', {
    sessionId = match.id, roomName = match.roomName, user1 = match.user1, user2 = match.user2,
    partnerId = partner.id, createdAt = NOW, commonInterests = common,
    state = user.state, seq = tonumber(user.seq),
  })
end
return reply(OUTCOME.DONE)
