--[[
  Report: block, end, and an entry for the moderators. Whoever is reported by enough people is suspended. A session
  is reported once by each of its two; doing it again gives the same report.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  session id: the match of now, or one of the latest
    ARGV[3]  an id for the report
    ARGV[4]  reason
    ARGV[5]  details, or ''
  Returns: reported, with reportId and, if whom it is about is suspended, `suspended`: user, device (or ''), reason,
           until, origin; foreign-session or unknown-session; with state and seq.
  Events: as for skip, then those of going home; to whoever is suspended those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include blocks
-- @include barred
-- @include reporters

local function note_report(user, partner)
  redis.call('HSET', KEY.report(ARGV[3]), 'reporter', user.id, 'by', person_of(user.id), 'user', partner,
    'against', person_of(partner), 'device', device_of(partner), 'session', ARGV[2], 'reason', ARGV[4],
    'details', ARGV[5], 'at', NOW)
  redis.call('PEXPIRE', KEY.report(ARGV[3]), RULES.report_ttl_ms)
  for _, list in ipairs({ KEY.open_reports(), KEY.resolved_reports() }) do
    redis.call('ZREMRANGEBYSCORE', list, '-inf', NOW - RULES.report_ttl_ms)
  end
  redis.call('ZADD', KEY.open_reports(), NOW, ARGV[3])
  redis.call('HSET', KEY.reported(user.id), ARGV[2], ARGV[3])
  redis.call('PEXPIRE', KEY.reported(user.id), RULES.partners_ttl_ms)
end

local function suspend(id)
  bar_set(id, 'suspended', 'reported', NOW + RULES.suspension_ms, device_of(id), POOL_NAME)
  send_home(id, 'suspended')
end

-- The suspension of somebody, for the device to share; nil if there is none.
local function suspension_of(id)
  local bar = bar_of(id)
  if not (bar and bar.kind == 'suspended') then return nil end
  return { user = id, device = bar.device, reason = bar.reason, ['until'] = bar['until'], origin = bar.origin }
end

local user = user_ensure(ARGV[1])
local partner = partner_in(user, ARGV[2])
if not partner then return answer(unknown_session(user, ARGV[2]), user) end
user_act(user, 'report')
local is_of_now = ARGV[2] == user.sessionId
if block(user, partner) or is_of_now then send_home(user.id, 'end') end

local report = redis.call('HGET', KEY.reported(user.id), ARGV[2])
if not report then
  report = ARGV[3]
  note_report(user, partner)
  report_count(report, person_of(partner), person_of(user.id))
  local reporters = number_of_reporters(person_of(partner))
  if reporters >= RULES.reporters and not bar_of(partner) then suspend(partner) end
end
return answer(OUTCOME.REPORTED, user, { reportId = report, suspended = suspension_of(partner) })
