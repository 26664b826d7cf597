--[[
  The user signs out: all its tokens are void, and whatever it is in ends as by leave.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  for how long (ms) that is remembered: at least until the last of its tokens expires
  Returns: done.
  Events: as for leave (user_end.lua); the control message `-` on the user's channel.
]]
-- @include once
-- @include going_home
-- @include barred

-- First, so that it holds also where the record makes no sense.
redis.call('SET', KEY.signed_out(ARGV[1]), NOW, 'PX', ARGV[2])
local user = user_acting(ARGV[1])
if user then user_go_home(user, 'leave') end
streams_end(ARGV[1])
return reply(OUTCOME.DONE)
