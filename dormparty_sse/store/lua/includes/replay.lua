--[[
  The replay of a user's log.
]]

local FROM_THE_START = '0-0' -- the position in a log that was empty

local function newest_id(log)
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or FROM_THE_START
end

-- Does the log still hold everything that came after `id`? `log_from`: the first seq it holds, if that is not 1.
local function reaches_back_to(log, id, log_from)
  if id == FROM_THE_START then
    return redis.call('XLEN', log) < RULES.log_length and (natural(log_from) or 1) <= 1
  end
  -- How old the id is does not matter, but how old what came next is.
  local too_old = redis.call('XRANGE', log, '(' .. id, NOW - RULES.log_age_ms - 1, 'COUNT', 1)
  return #too_old == 0 and #redis.call('XRANGE', log, id, id) > 0
end

-- What came after the event `after`, or resync where the log cannot tell.
-- '' is a client that has missed nothing, since it was never here.
local function replay(user_id, after)
  local log = KEY.log(user_id)
  local state, session, log_from = unpack(redis.call('HMGET', KEY.user(user_id), 'state', 'sessionId', 'logFrom'))
  local found = { lastId = newest_id(log), events = {}, resync = false }
  -- The session whose invitation still stands.
  if state == 'CONNECTING' or state == 'IN_CALL' then found.openSession = session end
  if after == '' or after == found.lastId then return found end
  if not reaches_back_to(log, after, log_from) then
    found.resync = true
    return found
  end
  for _, entry in ipairs(redis.call('XRANGE', log, '(' .. after, '+')) do
    table.insert(found.events, { entry[1], entry[2][2] })
  end
  return found
end
