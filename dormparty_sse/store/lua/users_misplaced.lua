--[[
  Looks through some of the users for those who are in several states or in none. There should be no such user.

    KEYS[1]  the pool's hash tag
    ARGV[1]  number of the index to go on in, from 1
    ARGV[2]  cursor to go on from, 0 for the beginning
    ARGV[3]  about how many users to look at
  Returns: done, with `users`: {userId, states}; and `at` and `cursor` to go on with, unless all were looked at.
  Events: none.
]]
-- @include scan

local found = {}
local at, cursor = each_user(tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), function(id)
  local states = states_of(id)
  if #states ~= 1 then table.insert(found, { id, states }) end
end)
return reply(OUTCOME.DONE, { users = found, at = at, cursor = cursor })
