--[[
  LiveKit has confirmed that a room is gone: the match is closed, and remembered for a while as a fence.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
  Returns: done; nothing where the match was not closing, or the room may yet come to be.
  Events: none.
]]
-- @include once
-- @include matches

local match = match_get(ARGV[1])
if not match or match.phase ~= 'closing' then return reply(OUTCOME.NOTHING) end

-- LiveKit carries out a call even when its caller gave up and has gone. So a room whose making failed may come
-- to be after its deletion: only the second deletion, when no such call can be under way any more, counts.
if not match.roomSid and not match.deletedOnce then
  redis.call('HSET', KEY.match(match.id), 'deletedOnce', NOW)
  deadline_set('room', match.id, NOW + RULES.room_delete_retry_ms)
  return reply(OUTCOME.NOTHING)
end

match_close(match.id)
return reply(OUTCOME.DONE)
