--[[
  Notes a sign of life of many users at once: their streams take what they are sent. Unknown users stay unknown.

    KEYS[1]  the pool's hash tag
    ARGV     user id and generation of the stream, in turn
  Returns: done, with `unknown`: the ids of those who are not known.
  Events: none, save for what presence.lua says of signs of life.
]]
-- @include presence

local unknown = {}
for i = 1, #ARGV, 2 do
  local id, generation = ARGV[i], tonumber(ARGV[i + 1])
  local is_known = redis.call('ZSCORE', KEY.presence(), id)
  local away = is_known and is_away(id) and user_get(id)
  if not is_known then
    table.insert(unknown, id)
  elseif not away then
    redis.call('ZADD', KEY.presence(), NOW, id)
  elseif away.stream == 'open' or generation > (natural(away.streamGeneration) or 0) then
    -- Else the stream has been lost since this was said. A newer one than Redis knows of, Redis has lost.
    redis.call('ZADD', KEY.presence(), NOW, id)
    user_set(away, { stream = 'open', streamGeneration = math.max(generation, natural(away.streamGeneration) or 0) })
    user_comes_back(away)
  end
end
return reply(OUTCOME.DONE, { unknown = unknown })
