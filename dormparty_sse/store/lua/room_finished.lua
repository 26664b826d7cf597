--[[
  LiveKit has closed a room. Whoever still counts as being in it is out.

    KEYS[1]  the pool's hash tag
    ARGV[1]  webhook event id
    ARGV[2]  session id
    ARGV[3]  the room's sid
  Returns: done; nothing where the event is old, doubled or about another room.
  Events: as for skip, with reason room-finished; requeued or idle from DISCONNECTING.
]]
-- @include once
-- @include webhooks

if webhook_seen(ARGV[1]) then return reply(OUTCOME.NOTHING) end
local match = match_get(ARGV[2])
if not match or match.roomSid ~= ARGV[3] then return reply(OUTCOME.NOTHING) end

if match.phase == 'open' then match_end(match, 'room-finished', {}) end
for _, id in ipairs(people_of(match)) do
  local user = user_get(id)
  if user and user.state == 'DISCONNECTING' and user.sessionId == match.id then user_out(user) end
end
return reply(OUTCOME.DONE)
