--[[
  Lets a user in again. A moderator who does so has those forgotten who have reported it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  reason
    ARGV[3]  the moderator whose doing this is, or '' where it follows from the end of its device's bar
    ARGV[4]  the kind of bar that ends: suspended, banned, or '' for any
    ARGV[5]  its origin, where it has a kind
  Returns: done or nothing (it was not kept out like this); with `device`, '' if it is not known.
  Events: none.
]]
-- @include once
-- @include presence
-- @include barred
-- @include trail

local id, reason, moderator, kind, origin = unpack(ARGV)
local bar, device = bar_of(id), barred_device(id)
local ends = bar ~= nil and (kind == '' or bar.kind == kind and bar.origin == origin)
if ends then redis.call('DEL', KEY.bar(id)) end
if moderator ~= '' then
  redis.call('DEL', KEY.reporters(person_of(id)))
  trail({ moderator = moderator, action = 'unban', userId = id, reason = reason })
end
return reply(ends and OUTCOME.DONE or OUTCOME.NOTHING, { device = device })
