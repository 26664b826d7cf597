--[[
  What moderators did, the newest first.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many at most
    ARGV[2]  the id of the last entry of the page before, or '' for the first page
  Returns: done, with `entries`: {id, entry as JSON}.
  Events: none.
]]
-- @include base

local from = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local entries = {}
for i, entry in ipairs(redis.call('XREVRANGE', KEY.trail(), from, '-', 'COUNT', ARGV[1])) do
  entries[i] = { entry[1], entry[2][2] }
end
return reply(OUTCOME.DONE, { entries = entries })
