--[[
  The skip cooldown: who skips too often may not skip for a while, the next time for longer. Being skipped never
  counts. Its `level` says how many cooldowns there were; a conversation makes it 0 (users.lua).
]]
-- @include users

-- Until when the user may not skip (ms), or nil.
local function skip_cooldown(user)
  local at = natural(redis.call('HGET', KEY.skip_cooldown(person_of(user.id)), 'until') or nil)
  return at and at > NOW and at or nil
end

local function begin_skip_cooldown(person)
  local cooldown = KEY.skip_cooldown(person)
  local level = math.min((natural(redis.call('HGET', cooldown, 'level') or nil) or 0) + 1, #RULES.skip_cooldowns_ms)
  local at = NOW + RULES.skip_cooldowns_ms[level]
  redis.call('HSET', cooldown, 'level', level, 'until', at)
  redis.call('PEXPIRE', cooldown, at - NOW + RULES.remembered_ms)
  return at
end

-- A skip is about to be made. The cooldown that begins with it (until when), or nil.
local function count_skip(user)
  local person = person_of(user.id)
  local skips = KEY.skips(person)
  redis.call('ZREMRANGEBYSCORE', skips, '-inf', NOW - RULES.skip_window_ms)
  redis.call('ZADD', skips, NOW, user.id .. ' ' .. last_seq(user))
  redis.call('PEXPIRE', skips, RULES.skip_window_ms)
  if redis.call('ZCARD', skips) < RULES.skips then return nil end
  redis.call('DEL', skips)
  return begin_skip_cooldown(person)
end
