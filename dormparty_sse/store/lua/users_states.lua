--[[
  The states of many users at once. Unknown users are left out.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done, with `users`: {userId, state, since, seq}, as the metadata says.
  Events: none.
]]
-- @include base

local found = {}
for _, id in ipairs(ARGV) do
  local data = redis.call('HMGET', KEY.user(id), 'state', 'since', 'seq')
  if data[1] then found[#found + 1] = { id, data[1], tonumber(data[2]) or 0, tonumber(data[3]) or 0 } end
end
return reply(OUTCOME.DONE, { users = found })
