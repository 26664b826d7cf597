--[[
  The ids of some of the matches that are reserved, open or closing, for the audit.

    KEYS[1]  the pool's hash tag
    ARGV[1]  cursor to go on from, 0 for the beginning
    ARGV[2]  about how many
  Returns: done, with `sessions`; and `cursor` to go on with, unless these were the last.
  Events: none.
]]
-- @include base

local answer = redis.call('ZSCAN', KEY.matches(), ARGV[1], 'COUNT', ARGV[2])
local found = {}
for i = 1, #answer[2], 2 do table.insert(found, answer[2][i]) end
return reply(OUTCOME.DONE, { sessions = found, cursor = answer[1] ~= '0' and answer[1] or nil })
