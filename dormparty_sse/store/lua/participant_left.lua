--[[
  LiveKit says somebody is out of a room. In a closing match that is what DISCONNECTING waits for; in an
  open one it is unexpected and ends the match.

    KEYS[1]  the pool's hash tag
    ARGV[1]  webhook event id
    ARGV[2]  session id
    ARGV[3]  user id
    ARGV[4]  participant sid
    ARGV[5]  how, see domain/departures.py
  Returns: done; nothing where the event is old, doubled or about a session that no longer counts.
  Events: as for skip, with the reason; requeued or idle from DISCONNECTING.
]]
-- @include once
-- @include webhooks

local REASONS = {
  left = 'partner-left', lost = 'connection-lost', absent = 'connect-timeout', closed = 'room-finished',
}

if webhook_seen(ARGV[1]) then return reply(OUTCOME.NOTHING) end
local match = match_get(ARGV[2])
if not is_member(match, ARGV[3]) then return reply(OUTCOME.NOTHING) end

local id, sid, how = ARGV[3], ARGV[4], ARGV[5]
local counted = match['sid:' .. id]
if match.phase == 'open' then redis.call('SET', KEY.gone(sid), 1, 'PX', RULES.webhook_ttl_ms) end
if counted and counted ~= sid then return reply(OUTCOME.NOTHING) end
if counted then participant_out(match, id) end
if how == 'replaced' then return reply(OUTCOME.DONE) end

local user = user_get(id)
local taken_over = user and NOW - (natural(user.takenOverAt) or 0) < RULES.alone_grace_ms
if user and user.state == 'DISCONNECTING' and user.sessionId == match.id then
  user_out(user)
elseif match.phase == 'open' and how == 'left' and taken_over then
  participant_missed(match, id) -- that was the older page; the newer one is on its way in
elseif match.phase == 'open' then
  match_end(match, REASONS[how], { [id] = how ~= 'closed' })
else
  return reply(OUTCOME.NOTHING)
end
return reply(OUTCOME.DONE)
