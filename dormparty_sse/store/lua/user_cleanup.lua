--[[
  Emergency: removes a user, whatever state its record is in. A partner goes back to the queue.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
  Returns: done.
  Events: those of the ending `admin`, to a partner; the control message `?` on the user's channel.
]]
-- @include once
-- @include cleanup

forced = true
user_remove(ARGV[1])
return reply(OUTCOME.DONE)
