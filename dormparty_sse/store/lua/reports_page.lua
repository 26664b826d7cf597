--[[
  Reports, the oldest first.

    KEYS[1]  the pool's hash tag
    ARGV[1]  open or resolved
    ARGV[2]  how many at most
    ARGV[3]  the score of the last report of the page before, or '' for the first page
    ARGV[4]  that report's id
  Returns: done, with `reports`: {id, score, record}, and `more`: are there any after these?
  Events: none.
]]
-- @include pages

local list = ARGV[1] == 'open' and KEY.open_reports() or KEY.resolved_reports()
redis.call('ZREMRANGEBYSCORE', list, '-inf', NOW - RULES.report_ttl_ms)
local entries, more = sorted_page(list, 'oldest', tonumber(ARGV[2]), '+inf', ARGV[3], ARGV[4])
local reports = {}
for i, entry in ipairs(entries) do reports[i] = { entry[1], entry[2], hash_get(KEY.report(entry[1])) or {} } end
return reply(OUTCOME.DONE, { reports = reports, more = more })
