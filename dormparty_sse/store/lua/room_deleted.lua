--[[
  LiveKit has confirmed that a room is gone: the match is closed, and remembered for a while as a fence.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
  Returns: done; nothing where the match was not closing.
  Events: none.
]]
-- @include matches

local match = match_get(ARGV[1])
if not match or match.phase ~= 'closing' then return reply(OUTCOME.NOTHING) end
deadline_clear('room', match.id)
redis.call('ZREM', KEY.matches(), match.id)
redis.call('HSET', KEY.match(match.id), 'phase', 'closed')
redis.call('PEXPIRE', KEY.match(match.id), RULES.match_ttl_ms)
return reply(OUTCOME.DONE)
