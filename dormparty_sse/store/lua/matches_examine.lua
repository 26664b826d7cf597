--[[
  Everything the audit asks of some matches, as of one moment.

    KEYS[1]  the pool's hash tag
    ARGV     session ids
  Returns: done, with `matches`, in order: id, data (the metadata), isListed (among those not closed), hasDeadline (of
           any kind), coolingUntil of the two (0: they may meet), blockedAt (0: they have not), and members: user id -> its state and sessionId,
           neither where it is unknown.
  Events: none.
]]
-- @include person

local function member(id)
  local data = redis.call('HMGET', KEY.user(id), 'state', 'sessionId')
  return { state = data[1] or nil, sessionId = data[2] or nil }
end

local function has_deadline(session)
  for _, kind in ipairs({ 'reservation', 'connect', 'room' }) do
    if redis.call('ZSCORE', KEY.deadlines(), kind .. ':' .. session) then return true end
  end
  return false
end

local function examine(session)
  local data = hash_get(KEY.match(session)) or {}
  local a, b = data.user1, data.user2
  local members = {}
  for _, id in ipairs({ a or b, b or a }) do members[id] = member(id) end
  return {
    id = session,
    data = data,
    isListed = redis.call('ZSCORE', KEY.matches(), session) ~= false,
    hasDeadline = has_deadline(session),
    coolingUntil = tonumber(a and b and redis.call('ZSCORE', KEY.cooldowns(a), b) or 0),
    blockedAt = tonumber(a and b and redis.call('ZSCORE', KEY.blocks(person_of(a)), person_of(b)) or 0),
    members = members,
  }
end

local matches = {}
for i, session in ipairs(ARGV) do matches[i] = examine(session) end
return reply(OUTCOME.DONE, { matches = matches })
