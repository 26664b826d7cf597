--[[
  Block: the user never meets that partner again. If it is the one of now, the match ends as by a skip.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  session id: the match of now, or one of the latest
  Returns: blocked; foreign-session or unknown-session; with state and seq.
  Events: as for skip.
]]
-- @include once
-- @include presence
-- @include blocks

local user = user_ensure(ARGV[1])
local partner = partner_in(user, ARGV[2])
if not partner then return answer(unknown_session(user, ARGV[2]), user) end
user_act(user, 'block')
block(user, partner)
return answer(OUTCOME.BLOCKED, user)
