--[[
  What an open stream missed while its process had no pub/sub connection.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  the last event id the stream has sent
  Returns: done, with `resync`, `lastId`, `events` and `openSession`, as stream_open.lua, and `generation`,
           that of the user's newest stream.
  Events: none.
]]
-- @include base
-- @include replay

local fields = replay(ARGV[1], ARGV[2])
fields.generation = natural(redis.call('HGET', KEY.user(ARGV[1]), 'streamGeneration')) or 0
return reply(OUTCOME.DONE, fields)
