--[[
  Notes a sign of life of many users at once. Unknown users stay unknown.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done.
  Events: none.
]]
-- @include users

for _, id in ipairs(ARGV) do
  redis.call('ZADD', KEY.presence(), 'XX', NOW, id)
end
return reply(OUTCOME.DONE)
