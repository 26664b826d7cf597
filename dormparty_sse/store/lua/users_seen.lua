--[[
  Notes a sign of life of many users at once. Unknown users stay unknown.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done, with `unknown`: the ids of those who are not known.
  Events: none.
]]
-- @include users

local unknown = {}
for _, id in ipairs(ARGV) do
  if redis.call('ZSCORE', KEY.presence(), id) then
    user_seen(id)
  else
    table.insert(unknown, id)
  end
end
return reply(OUTCOME.DONE, { unknown = unknown })
