--[[
  Report: block, end, and an entry for the moderators. Whoever is reported by enough people is suspended. A session
  is reported once by each of its two; doing it again gives the same report.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  session id: the match of now, or one of the latest
    ARGV[3]  an id for the report
    ARGV[4]  reason
    ARGV[5]  details, or ''
  Returns: reported, with reportId and, if somebody is suspended by it, `suspended`: user, device (or ''), reason,
           until; foreign-session or unknown-session; with state and seq.
  Events: as for end; to whoever is suspended those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include blocks
-- @include barred

-- Who a reporter is, as far as can be told: somebody with two sessions in one browser is one.
local function source(user)
  return user.device or user.id
end

local function note_report(user, partner)
  redis.call('HSET', KEY.report(ARGV[3]), 'reporter', user.id, 'source', source(user), 'user', partner,
    'session', ARGV[2], 'reason', ARGV[4], 'details', ARGV[5], 'at', NOW)
  redis.call('PEXPIRE', KEY.report(ARGV[3]), RULES.report_ttl_ms)
  for _, list in ipairs({ KEY.open_reports(), KEY.resolved_reports() }) do
    redis.call('ZREMRANGEBYSCORE', list, '-inf', NOW - RULES.report_ttl_ms)
  end
  redis.call('ZADD', KEY.open_reports(), NOW, ARGV[3])
  redis.call('HSET', KEY.reported(user.id), ARGV[2], ARGV[3])
  redis.call('PEXPIRE', KEY.reported(user.id), RULES.partners_ttl_ms)
end

-- How many people have reported somebody lately, this one included.
local function count_reporter(id, reporter)
  local reporters = KEY.reporters(id)
  redis.call('ZREMRANGEBYSCORE', reporters, '-inf', NOW - RULES.report_window_ms)
  redis.call('ZADD', reporters, NOW, reporter)
  redis.call('PEXPIRE', reporters, RULES.report_window_ms)
  return redis.call('ZCARD', reporters)
end

local function suspend(id)
  local reason, at = 'reported', NOW + RULES.suspension_ms
  bar_set(id, 'suspended', reason, at)
  send_home(id, 'suspended')
  local user = user_get(id)
  return { user = id, device = user and user.device or '', reason = reason, ['until'] = at }
end

local user = user_ensure(ARGV[1])
local partner = partner_in(user, ARGV[2])
if not partner then return answer(unknown_session(user, ARGV[2]), user) end
user_act(user, 'report')
local is_of_now = ARGV[2] == user.sessionId
if block(user, partner) or is_of_now then send_home(user.id, 'end') end

local earlier = redis.call('HGET', KEY.reported(user.id), ARGV[2])
if earlier then return answer(OUTCOME.REPORTED, user, { reportId = earlier }) end
note_report(user, partner)
local suspended
if count_reporter(partner, source(user)) >= RULES.reporters and not bar_of(partner) then
  suspended = suspend(partner)
end
return answer(OUTCOME.REPORTED, user, { reportId = ARGV[3], suspended = suspended })
