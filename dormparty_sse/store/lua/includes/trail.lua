--[[
  The trail: what moderators did. It is written in the same step as what it tells of.
]]
-- @include base

-- entry: moderator, action, and what it was about.
local function trail(entry)
  entry.at = NOW
  redis.call('XADD', KEY.trail(), 'MAXLEN', '~', RULES.trail_length, '*', 'data', cjson.encode(entry))
end
