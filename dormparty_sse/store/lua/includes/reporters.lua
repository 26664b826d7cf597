--[[
  Who has reported somebody lately, by reports that were not dismissed: a sorted set of `SOURCE REPORT`, by time.
  A source is a device, or a user without one.
]]

local function report_count(user_id, source, report_id)
  local reporters = KEY.reporters(user_id)
  redis.call('ZADD', reporters, NOW, source .. ' ' .. report_id)
  redis.call('PEXPIRE', reporters, RULES.report_window_ms)
end

local function report_discount(user_id, source, report_id)
  redis.call('ZREM', KEY.reporters(user_id), source .. ' ' .. report_id)
end

-- How many people they are. Who has reported somebody twice counts once.
local function number_of_reporters(user_id)
  local reporters, seen, number = KEY.reporters(user_id), {}, 0
  redis.call('ZREMRANGEBYSCORE', reporters, '-inf', NOW - RULES.report_window_ms)
  for _, member in ipairs(redis.call('ZRANGE', reporters, 0, -1)) do
    local source = member:match('^%S+')
    if not seen[source] then number = number + 1 end
    seen[source] = true
  end
  return number
end
