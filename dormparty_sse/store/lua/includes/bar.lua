--[[
  Why a user is kept out.
]]
-- @include base

-- { kind, reason, until, device } of a user who is kept out, or nil.
local function bar_of(id)
  return json_table(redis.call('GET', KEY.bar(id)) or nil)
end

-- What the user is told of it.
local function bar_told(id)
  local bar = bar_of(id)
  return bar and { kind = bar.kind, reason = bar.reason, ['until'] = bar['until'] } or nil
end
