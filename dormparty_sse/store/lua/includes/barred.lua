--[[
  Who is kept out: suspended by reports, or banned by a moderator; and the streams of who is served no more.
]]
-- @include matches
-- @include outranks

-- The device that a bar of the user reaches, or ''. A bar remembers it for longer than the user does.
local function barred_device(id)
  local bar, device = bar_of(id), device_of(id)
  return device == '' and bar and bar.device or device
end

-- Keeps somebody out, unless what there is outranks it; `exactly`: whatever there is. `origin`: the pool whose reports
-- this rests on, or ''.
local function bar_set(id, kind, reason, at, device, origin, exactly)
  local known = bar_of(id)
  local bar = { kind = kind, reason = reason, ['until'] = at, device = device, origin = origin }
  if known and not exactly and outranks(known, bar) then return end
  redis.call('SET', KEY.bar(id), cjson.encode(bar), 'PXAT', at)
end

-- Ends the streams of somebody who is served no more, once they have told what happens now.
local function streams_end(id)
  redis.call('PUBLISH', KEY.events(id), '-')
end

-- The same, for a stream that was just being opened when the user was banned or signed out, or had no link.
local function streams_end_if_served_no_more(id)
  local bar = bar_of(id)
  if bar and bar.kind == 'banned' or redis.call('EXISTS', KEY.signed_out(id)) == 1 then streams_end(id) end
end

-- Leads a user home, wherever it is. A partner goes back to the queue.
local function send_home(id, reason)
  local user = user_get(id)
  if not user then return end
  if user.state == 'CONNECTING' or user.state == 'IN_CALL' then match_leave(user, 'admin') end
  if user.state == 'WAITING' then
    leave_queue(user, reason)
  elseif user.state == 'DISCONNECTING' then
    user_set(user, { targetState = 'IDLE', lastReason = reason })
  end
end
