--[[
  All that is known of one user. Being shown, the user is not seen.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  how many events of its log at most
  Returns: done, with `user` (the metadata), `lastSeenAt`, `bar` (as JSON, if it is kept out) and `timeline`: {id,
           event as JSON}, newest first; nothing where there is no such user.
  Events: none.
]]
-- @include base

local user = hash_get(KEY.user(ARGV[1]))
if not user then return reply(OUTCOME.NOTHING) end
local timeline = {}
for _, entry in ipairs(redis.call('XREVRANGE', KEY.log(ARGV[1]), '+', '-', 'COUNT', ARGV[2])) do
  table.insert(timeline, { entry[1], entry[2][2] })
end
local seen = tonumber(redis.call('ZSCORE', KEY.presence(), ARGV[1]) or nil)
local bar = redis.call('GET', KEY.bar(ARGV[1])) or nil
return reply(OUTCOME.DONE, { user = user, lastSeenAt = seen, bar = bar, timeline = timeline })
