--[[
  Emergency: removes the users of a pool, some at a time, and when none is left, whatever else the pool has. Rooms are
  closed, and stay known until LiveKit has confirmed that they are gone.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many users at most
  Returns: done, with `removed` and `left`, counts of users.
  Events: the control message `?` on the channel of each user.
]]
-- @include once
-- @include cleanup

forced = true

local function some_users()
  local places = { KEY.presence() }
  for _, set in pairs(STATE_SETS) do table.insert(places, KEY[set]()) end
  table.insert(places, KEY.queue())
  table.insert(places, KEY.away())
  for _, place in ipairs(places) do
    local ids = redis.call('ZRANGE', place, 0, ARGV[1] - 1)
    if #ids > 0 then return ids end
  end
  return {}
end

local ids = some_users()
for _, id in ipairs(ids) do user_remove(id) end
if #ids == 0 then
  for _, session in ipairs(redis.call('ZRANGE', KEY.matches(), 0, -1)) do
    redis.call('HSET', KEY.match(session), 'phase', 'closing')
    room_close(session)
  end
  redis.call('DEL', KEY.next_place(), KEY.average_wait())
end
return reply(OUTCOME.DONE, { removed = #ids, left = redis.call('ZCARD', KEY.presence()) })
