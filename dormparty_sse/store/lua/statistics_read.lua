--[[
  The statistics of some minutes.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many minutes
    ARGV[2]  the last of them (minutes since the epoch), or '' for the present one, which is not over yet
  Returns: done, with `minutes`: {minute since the epoch, its counts}, earliest first. Where nothing happened, the
           counts are empty.
  Events: none.
]]
-- @include base

local minutes = {}
local last = tonumber(ARGV[2]) or math.floor(NOW / 60000)
for minute = last - ARGV[1] + 1, last do
  table.insert(minutes, { minute, hash_get(KEY.statistics(string.format('%d', minute))) or {} })
end
return reply(OUTCOME.DONE, { minutes = minutes })
