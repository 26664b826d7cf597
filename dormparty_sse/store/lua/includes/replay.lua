--[[
  The replay of a user's log.
]]

local FROM_THE_START = '0-0' -- the position in a log that was empty

local function newest_id(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or FROM_THE_START
end

-- Does the log still hold everything that came after `id`?
local function reaches_back_to(log, id)
  if id == FROM_THE_START then return redis.call('XLEN', log) < RULES.log_length end
  return #redis.call('XRANGE', log, id, id) > 0
end

-- The session whose invitation still stands, or nil.
local function open_session(user_id)
  local user = redis.call('HMGET', KEY.user(user_id), 'state', 'sessionId')
  if user[1] == 'CONNECTING' or user[1] == 'IN_CALL' then return user[2] end
end

-- What came after the event `after`, or resync where the log cannot tell.
-- '' is a client that has missed nothing, since it was never here.
local function replay(user_id, after)
  local log = KEY.log(user_id)
  local found = {
    lastId = newest_id(log), events = {}, resync = false, openSession = open_session(user_id),
  }
  if after == '' then return found end
  if not reaches_back_to(log, after) then
    found.resync = true
    return found
  end
  for _, entry in ipairs(redis.call('XRANGE', log, '(' .. after, '+')) do
    table.insert(found.events, { entry[1], entry[2][2] })
  end
  return found
end
