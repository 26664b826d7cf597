--[[
  Statistics: one hash per minute, which forgets itself after a day. A script counts as it goes, and writes at its
  end. Fields: step:FROM>TO, ms:STATE (time spent there by those who left it), end:REASON, forced.
]]

local counts = {} -- by field
local counted = false

local function count(field, by)
  counts[field] = (counts[field] or 0) + (by or 1)
  counted = true
end

table.insert(before_reply, function()
  if not counted then return end
  local minute = KEY.statistics(string.format('%d', NOW / 60000))
  for field, by in pairs(counts) do
    local is_new = redis.call('HINCRBY', minute, field, by) == by
    if is_new then redis.call('PEXPIRE', minute, RULES.statistics_ttl_ms) end
  end
end)
