--[[
  Events: appended to the user's log and published, in the script that changes the state,
  so there is never the one without the other.
]]

-- fields: the event's members beside type and timestamp.
local function emit(user_id, event_type, fields)
  fields.type = event_type
  fields.timestamp = NOW
  local data = cjson.encode(fields)
  local log = KEY.log(user_id)
  local id = redis.call('XADD', log, 'MAXLEN', '~', RULES.log_length, '*', 'data', data)
  redis.call('PEXPIRE', log, RULES.user_ttl_ms * 2)
  redis.call('PUBLISH', KEY.events(user_id), id .. ' ' .. data)
end
