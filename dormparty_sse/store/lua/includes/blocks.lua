--[[
  Blocks and reports. Whom they are about is derived from the session, never taken from the client.
]]
-- @include matches

-- Whom the user met in a session: the one it is in, or one of its latest.
local function partner_in(user, session)
  if session == user.sessionId then return user.matchedWith end
  for _, entry in ipairs(redis.call('LRANGE', KEY.partners(user.id), 0, -1)) do
    local known, partner = entry:match('^(%S+) (%S+)$')
    if known == session then return partner end
  end
end

-- The outcome where the session is none of the user's latest matches.
local function unknown_session(user, session)
  return fence(user, session) == 'foreign' and OUTCOME.FOREIGN_SESSION or OUTCOME.UNKNOWN_SESSION
end

-- From now on the two never meet. If they are in a match, it ends. Was it so that it ended?
local function block(user, partner)
  local a, b = person_of(user.id), person_of(partner)
  for _, pair in ipairs({ { a, b }, { b, a } }) do
    redis.call('ZADD', KEY.blocks(pair[1]), NOW, pair[2])
    redis.call('PEXPIRE', KEY.blocks(pair[1]), RULES.block_ttl_ms)
  end
  local match = open_match(user)
  if not match or person_of(user.matchedWith or '') ~= b then return false end
  match_leave(user, 'blocked')
  return true
end
