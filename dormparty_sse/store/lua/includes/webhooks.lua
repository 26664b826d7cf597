--[[
  What the webhook scripts share. An event counts once, by its id. A participant counts by its `sid`,
  so an old session's late `left` cannot take out the new one.
]]
-- @include occupancy

-- Was this event applied before? Remembers it either way. '' (no id) is always new.
local function webhook_seen(event_id)
  if event_id == '' then return false end
  return not redis.call('SET', KEY.webhook(event_id), 1, 'NX', 'PX', RULES.webhook_ttl_ms)
end
