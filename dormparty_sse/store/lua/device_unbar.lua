--[[
  Lets a device in again. A device is of no pool.

    KEYS[1]  the key of the device's bar
    ARGV[1]  the pool whose dismissed reports end this: only a suspension that rests on them ends; '' for any bar
  Returns: the bar that has ended, as JSON; nothing where there was none of this kind.
  Events: none.
]]
local record = redis.call('GET', KEYS[1])
local bar = record and cjson.decode(record)
if not bar then return false end
if ARGV[1] ~= '' and not (bar.kind == 'suspended' and bar.origin == ARGV[1]) then return false end
redis.call('DEL', KEYS[1])
return record
