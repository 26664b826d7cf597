--[[
  What reconciliation asks of some matches.

    KEYS[1]  the pool's hash tag
    ARGV     session ids
  Returns: done, with `matches`: {session id, phase or '', how many of the two count as being in the room, room name
           or ''}.
  Events: none.
]]
-- @include base

local found = {}
for i, session in ipairs(ARGV) do
  local key = KEY.match(session)
  local data = redis.call('HMGET', key, 'phase', 'roomName', 'user1', 'user2')
  local present = 0
  if data[3] and data[4] then
    for _, sid in ipairs(redis.call('HMGET', key, 'sid:' .. data[3], 'sid:' .. data[4])) do
      if sid then present = present + 1 end
    end
  end
  found[i] = { session, data[1] or '', present, data[2] or '' }
end
return reply(OUTCOME.DONE, { matches = found })
