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
local user = user_get(ARGV[3])
if not (user and is_member(match, user.id)) or match.phase ~= 'open' then return reply(OUTCOME.NOTHING) end

local id, sid, joined_at = ARGV[3], ARGV[4], tonumber(ARGV[5])
local was_gone = match['gone:' .. sid]
local newer_is_in = match['sid:' .. id] and (natural(match['joinedAt:' .. id]) or 0) > joined_at
if was_gone or newer_is_in then return reply(OUTCOME.NOTHING) end

match['sid:' .. id] = sid
redis.call('HSET', KEY.match(match.id), 'sid:' .. id, sid, 'joinedAt:' .. id, joined_at)
user_set(user, { roomJoinedAt = NOW })
local partner_sid = match['sid:' .. partner_of(match, id)]
if not partner_sid then return reply(OUTCOME.DONE) end

call_start(match, 'both-joined')
return reply(OUTCOME.DONE)
