--[[
  Deadlines that nobody has executed in time, the most urgent first.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many at most
    ARGV[2]  how many ms late
    ARGV[3]  when the last deadline of the page before fell due, or '' for the first page
    ARGV[4]  that deadline
  Returns: done, with `deadlines`: {deadline, when it fell due}, and `more`: are there any after these?
  Events: none.
]]
-- @include pages

local below = string.format('(%d', NOW - ARGV[2])
local entries, more = sorted_page(KEY.deadlines(), 'oldest', tonumber(ARGV[1]), below, ARGV[3], ARGV[4])
return reply(OUTCOME.DONE, { deadlines = entries, more = more })
