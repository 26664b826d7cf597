--[[
  What open streams missed while their process had no pub/sub connection.

    KEYS[1]  the pool's hash tag
    ARGV     user id and the last event id that its stream has told, in turn
  Returns: done, with `streams`, in order: `resync`, `lastId`, `events` and `openSession`, as stream_open.lua, and
           `generation`, that of the user's newest stream. Many events take time, so fewer may be there than were
           asked for, but at least one.
  Events: none; the control message `-` on the channel of each user who is served no more.
]]
-- @include barred
-- @include replay

local ENOUGH = 500 -- events; bounds the time Redis is kept busy

local streams, events = {}, 0
for i = 1, #ARGV, 2 do
  local missed = replay(ARGV[i], ARGV[i + 1])
  missed.generation = natural(redis.call('HGET', KEY.user(ARGV[i]), 'streamGeneration')) or 0
  table.insert(streams, missed)
  streams_end_if_served_no_more(ARGV[i])
  events = events + #missed.events
  if events > ENOUGH then break end
end
return reply(OUTCOME.DONE, { streams = streams })
