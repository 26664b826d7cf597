--[[
  A moderator's verdict on a report.

    KEYS[1]  the pool's hash tag
    ARGV[1]  report id
    ARGV[2]  verdict (domain/moderation.py)
    ARGV[3]  moderator
    ARGV[4]  note, or ''
    ARGV[5]  for how long a ban lasts (ms)
  Returns: done, or already-processed where there is a verdict, which stands; with `report` (its record), `device` ('' if
           it is not known) of whom it is about, `until` of its ban, if it has one, and `isFree`: is it not kept out
           any more? Or nothing, where there is no such report.
  Events: where somebody is banned by this, those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include barred
-- @include reporters
-- @include trail

-- The report does not count any more. A suspension that rests on this pool's reports ends where too few are left.
local function dismiss(report)
  report_discount(report.reportId, report.against, report.by)
  local bar = bar_of(report.user)
  if not bar or bar.kind ~= 'suspended' or bar.origin ~= POOL_NAME then return end
  if number_of_reporters(report.against) < RULES.reporters then redis.call('DEL', KEY.bar(report.user)) end
end

-- A verdict makes no ban shorter.
local function ban(report, at, device)
  bar_set(report.user, 'banned', report.reason, at, device, '')
  send_home(report.user, 'banned')
  streams_end(report.user)
end

local function resolved(outcome, report, device)
  local bar = bar_of(report.user)
  return reply(outcome, {
    report = report, device = device, ['until'] = bar and bar.kind == 'banned' and bar['until'] or nil,
    isFree = bar == nil,
  })
end

local id, verdict, moderator, note = unpack(ARGV)
local report = hash_get(KEY.report(id))
if not report then return reply(OUTCOME.NOTHING) end
report.reportId = id
local device = barred_device(report.user)
if device == '' then device = report.device end
if report.verdict then return resolved(OUTCOME.ALREADY_PROCESSED, report, device) end

report.verdict, report.moderator, report.note, report.resolvedAt = verdict, moderator, note, NOW
redis.call('HSET', KEY.report(id), 'verdict', verdict, 'moderator', moderator, 'note', note, 'resolvedAt', NOW)
redis.call('ZREM', KEY.open_reports(), id)
redis.call('ZADD', KEY.resolved_reports(), NOW, id)
if verdict == 'dismissed' then dismiss(report) end
if verdict == 'banned' then ban(report, NOW + ARGV[5], device) end
trail({
  moderator = moderator, action = 'resolve', reportId = id, userId = report.user, verdict = verdict, note = note,
})
return resolved(OUTCOME.DONE, report, device)
