--[[
  The skip cooldown: who skips too often may not skip for a while, the next time for longer. Being skipped never
  counts. `cooldownLevel` says how many cooldowns there were; a conversation makes it 0 (matches.lua).
]]
-- @include users

-- Until when the user may not skip (ms), or nil.
local function skip_cooldown(user)
  local at = natural(user.cooldownUntil)
  return at and at > NOW and at or nil
end

-- A skip is about to be made. The cooldown that begins with it (until when), or nil.
local function count_skip(user)
  local skips = KEY.skips(user.id)
  redis.call('ZREMRANGEBYSCORE', skips, '-inf', NOW - RULES.skip_window_ms)
  redis.call('ZADD', skips, NOW, last_seq(user))
  redis.call('PEXPIRE', skips, RULES.skip_window_ms)
  if redis.call('ZCARD', skips) < RULES.skips then return nil end
  redis.call('DEL', skips)
  local level = math.min((natural(user.cooldownLevel) or 0) + 1, #RULES.skip_cooldowns_ms)
  user_set(user, { cooldownLevel = level, cooldownUntil = NOW + RULES.skip_cooldowns_ms[level] })
  return skip_cooldown(user)
end
