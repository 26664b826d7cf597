--[[
  Lets a user in again, and forgets who has reported it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  reason
    ARGV[3]  the moderator whose doing this is, or '' where it follows from something else
  Returns: done or nothing (it was not kept out); with `device`, if it is known.
  Events: none.
]]
-- @include once
-- @include presence
-- @include barred
-- @include trail

local id, moderator = ARGV[1], ARGV[3]
local was_barred = redis.call('DEL', KEY.bar(id)) > 0
redis.call('DEL', KEY.reporters(id))
if moderator ~= '' then trail({ moderator = moderator, action = 'unban', userId = id, reason = ARGV[2] }) end
local user = user_get(id)
return reply(was_barred and OUTCOME.DONE or OUTCOME.NOTHING, { device = user and user.device })
