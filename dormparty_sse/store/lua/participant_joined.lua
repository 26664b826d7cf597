--[[
  LiveKit says somebody is in a room. When both are: CONNECTING -> IN_CALL.

    KEYS[1]  the pool's hash tag
    ARGV[1]  webhook event id
    ARGV[2]  session id
    ARGV[3]  user id
    ARGV[4]  participant sid
    ARGV[5]  when the participant joined, ms
  Returns: done; nothing where the event is old, doubled or not about an open match.
  Events: call-started to both.
]]
-- @include once
-- @include webhooks

if webhook_seen(ARGV[1]) then return reply(OUTCOME.NOTHING) end
local match = match_get(ARGV[2])
local id, sid, joined_at = ARGV[3], ARGV[4], tonumber(ARGV[5])
local is_expected = user_get(id) and is_member(match, id) and match.phase == 'open'
if not (is_expected and is_newest(match, id, sid, joined_at)) then return reply(OUTCOME.NOTHING) end
participant_in(match, id, sid, joined_at, 'both-joined')
return reply(OUTCOME.DONE)
