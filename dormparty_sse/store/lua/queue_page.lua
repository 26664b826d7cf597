--[[
  The users free to be matched, in order of place.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many at most
    ARGV[2]  the place of the last user of the page before, or '' for the first page
    ARGV[3]  that user's id
  Returns: done, with `entries`: {userId, place, waitingSince or 0}, `position` of the first, and `more`: are there
           any after these?
  Events: none.
]]
-- @include pages

local entries, more, before = sorted_page(KEY.queue(), 'oldest', tonumber(ARGV[1]), '+inf', ARGV[2], ARGV[3])
for _, entry in ipairs(entries) do
  entry[3] = tonumber(redis.call('HGET', KEY.user(entry[1]), 'joinedQueueAt') or 0) or 0
end
return reply(OUTCOME.DONE, { entries = entries, more = more, position = before + 1 })
