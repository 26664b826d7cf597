--[[
  Notes a sign of life of many users at once: their streams take what they are sent. Unknown users stay unknown.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done, with `unknown`: the ids of those who are not known.
  Events: none, save for what presence.lua says of signs of life.
]]
-- @include presence

local unknown = {}
for _, id in ipairs(ARGV) do
  local is_known = redis.call('ZSCORE', KEY.presence(), id)
  local away = is_known and is_away(id) and user_get(id)
  if not is_known then
    table.insert(unknown, id)
  elseif not away or away.stream == 'open' then -- else the stream has been lost since this was said
    redis.call('ZADD', KEY.presence(), NOW, id)
    if away then user_comes_back(away) end
  end
end
return reply(OUTCOME.DONE, { unknown = unknown })
