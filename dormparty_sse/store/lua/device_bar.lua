--[[
  Keeps out whoever comes with a device. A device is of no pool.

    KEYS[1]  the key of the device's bar
    ARGV[1]  the bar, as JSON
    ARGV[2]  1 where it takes the place of whatever there is: a moderator wants it so
  Returns: the bar that holds now, as JSON. A ban stands before a suspension, and what lasts longer before the rest.
  Events: none.
]]
-- @include outranks

local known = redis.call('GET', KEYS[1])
if known and ARGV[2] ~= '1' and outranks(cjson.decode(known), cjson.decode(ARGV[1])) then return known end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', cjson.decode(ARGV[1])['until'])
return ARGV[1]
