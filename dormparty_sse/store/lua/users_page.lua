--[[
  The users in one state by how long they have been in it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  state
    ARGV[2]  `oldest` or `newest`: who comes first
    ARGV[3]  how many at most
    ARGV[4]  only those who have been in it for longer than this many ms, or ''
    ARGV[5]  since when the last user of the page before has been in it, or '' for the first page
    ARGV[6]  that user's id
  Returns: done, with `entries`: {userId, since}, and `more`: are there any after these?
  Events: none.
]]
-- @include pages

local key = KEY[STATE_SETS[ARGV[1]]]()
local below = ARGV[4] == '' and '+inf' or string.format('(%d', NOW - ARGV[4])
local entries, more = sorted_page(key, ARGV[2], tonumber(ARGV[3]), below, ARGV[5], ARGV[6])
return reply(OUTCOME.DONE, { entries = entries, more = more })
