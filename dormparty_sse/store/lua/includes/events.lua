--[[
  Events: appended to the user's log and published, in the script that changes the state,
  so there is never the one without the other.
]]

local told = {} -- the users whose logs have grown

-- fields: the event's members beside type and timestamp.
local function emit(user_id, event_type, fields)
  fields.type = event_type
  fields.timestamp = NOW
  local data = cjson.encode(fields)
  local id = redis.call('XADD', KEY.log(user_id), 'MAXLEN', '~', RULES.log_length, '*', 'data', data)
  redis.call('PUBLISH', KEY.events(user_id), id .. ' ' .. data)
  told[user_id] = true
end

-- The seq of an entry of a log, or nil where it tells no step.
local function seq_of(entry)
  return natural(entry[2][2]:match('"seq":%s*(%d+)'))
end

-- When an entry was appended, in ms.
local function time_of(entry)
  return tonumber(entry[1]:match('^%d+'))
end

table.insert(before_reply, function()
  for id in pairs(told) do redis.call('PEXPIRE', KEY.log(id), RULES.user_ttl_ms * 2) end
end)
