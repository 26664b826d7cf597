--[[
  Who is behind a user. A user ends with its session; whoever comes back with the same device is the same person,
  whose blocks, skips and reporters are counted on.
]]
-- @include base

local devices = {} -- by user id; '' where it is not known

-- The device in a user's record, or nil. Some records are none.
local function device_in_record(id)
  local device = redis.pcall('HGET', KEY.user(id), 'device')
  return type(device) == 'string' and device or nil
end

-- The device of a user's session, or ''. It is remembered for a while after the user itself is forgotten.
local function device_of(id)
  devices[id] = devices[id] or device_in_record(id) or redis.call('GET', KEY.device(id)) or ''
  return devices[id]
end

-- What a person is known by: the device, else the user.
local function person_of(id)
  local device = device_of(id)
  return device ~= '' and device or id
end

-- The user is about to be forgotten.
local function device_keep(id)
  local device = device_in_record(id)
  if device then redis.call('SET', KEY.device(id), device, 'PX', RULES.remembered_ms) end
end
