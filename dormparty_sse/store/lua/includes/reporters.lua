--[[
  Who has reported a person lately, by reports that were not dismissed: a sorted set of `PERSON REPORT`, by time.
]]
-- @include base

local function report_count(report_id, against, by)
  local reporters = KEY.reporters(against)
  redis.call('ZADD', reporters, NOW, by .. ' ' .. report_id)
  redis.call('PEXPIRE', reporters, RULES.report_window_ms)
end

local function report_discount(report_id, against, by)
  redis.call('ZREM', KEY.reporters(against), by .. ' ' .. report_id)
end

-- How many people they are. Who has reported somebody twice counts once.
local function number_of_reporters(against)
  local reporters, seen, number = KEY.reporters(against), {}, 0
  redis.call('ZREMRANGEBYSCORE', reporters, '-inf', NOW - RULES.report_window_ms)
  for _, member in ipairs(redis.call('ZRANGE', reporters, 0, -1)) do
    local person = member:match('^%S+')
    if not seen[person] then number = number + 1 end
    seen[person] = true
  end
  return number
end
