--[[
  A client has closed a user's stream without a word, as a browser that dies does. It has a moment to come back.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  the stream's generation
  Returns: done; nothing where a newer stream is open, or a request has come since, or the user is at home.
  Events: partner-reconnecting to the partner.
]]
-- @include once
-- @include presence

local user = user_get(ARGV[1])
if not user or user.stream ~= 'open' or user.streamGeneration ~= ARGV[2] then return reply(OUTCOME.NOTHING) end
user_set(user, { stream = 'lost' })
if user.state == 'IDLE' then return reply(OUTCOME.NOTHING) end
user_goes_away(user)
return reply(OUTCOME.DONE)
