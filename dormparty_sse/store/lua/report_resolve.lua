--[[
  A moderator's verdict on a report.

    KEYS[1]  the pool's hash tag
    ARGV[1]  report id
    ARGV[2]  verdict (domain/moderation.py)
    ARGV[3]  moderator
    ARGV[4]  note, or ''
    ARGV[5]  for how long a ban lasts (ms)
  Returns: done, with `report` (its record), `device` (if it is known), `until` of a ban, and `lifted`: has a
           suspension ended by this? already-processed, with the report, where there is a verdict; nothing where there
           is no such report.
  Events: where somebody is banned by this, those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include barred
-- @include trail

-- The report does not count any more. Does a suspension end, since too few are left?
local function dismiss(report)
  local bar = bar_of(report.user)
  redis.call('ZREM', KEY.reporters(report.user), report.source)
  redis.call('ZREMRANGEBYSCORE', KEY.reporters(report.user), '-inf', NOW - RULES.report_window_ms)
  local lifted = bar and bar.kind == 'suspended' and redis.call('ZCARD', KEY.reporters(report.user)) < RULES.reporters
  if lifted then redis.call('DEL', KEY.bar(report.user)) end
  return lifted
end

local function ban(report, at)
  bar_set(report.user, 'banned', report.reason, at)
  send_home(report.user, 'banned')
  streams_end(report.user)
  return at
end

local id, verdict, moderator, note = unpack(ARGV)
local report = hash_get(KEY.report(id))
if not report then return reply(OUTCOME.NOTHING) end
report.reportId = id
if report.verdict then return reply(OUTCOME.ALREADY_PROCESSED, { report = report }) end

report.verdict, report.moderator, report.note, report.resolvedAt = verdict, moderator, note, NOW
redis.call('HSET', KEY.report(id), 'verdict', verdict, 'moderator', moderator, 'note', note, 'resolvedAt', NOW)
redis.call('ZREM', KEY.open_reports(), id)
redis.call('ZADD', KEY.resolved_reports(), NOW, id)
local lifted = verdict == 'dismissed' and dismiss(report) or false
local at = verdict == 'banned' and ban(report, NOW + ARGV[5]) or nil
trail({
  moderator = moderator, action = 'resolve', reportId = id, userId = report.user, verdict = verdict, note = note,
  ['until'] = at,
})
local user = user_get(report.user)
return reply(OUTCOME.DONE, { report = report, device = user and user.device, ['until'] = at, lifted = lifted })
