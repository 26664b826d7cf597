--[[
  The room of a reserved pair could not be made: both are free again, in their old places.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
  Returns: done; nothing where the reservation is gone.
  Events: none, since nobody's state changed.
]]
-- @include once
-- @include matches

local match = match_get(ARGV[1])
if not match or match.phase ~= 'reserved' then return reply(OUTCOME.NOTHING) end
reservation_release(match)
return reply(OUTCOME.DONE)
