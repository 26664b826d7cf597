--[[
  The ids of some of the users, for the audit: of all that any index knows.

    KEYS[1]  the pool's hash tag
    ARGV[1]  number of the index to go on in, from 1
    ARGV[2]  cursor to go on from, 0 for the beginning
    ARGV[3]  about how many
  Returns: done, with `users`; and `at` and `cursor` to go on with, unless these were the last.
  Events: none.
]]
-- @include scan

local found = {}
local at, cursor = each_user(tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), function(id)
  table.insert(found, id)
end)
return reply(OUTCOME.DONE, { users = found, at = at, cursor = cursor })
