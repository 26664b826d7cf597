--[[
  Keeps a user out: it leaves its match or the queue, and does not come into the queue again.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  kind: suspended or banned
    ARGV[3]  reason
    ARGV[4]  until when (ms), or '' for as long as ARGV[5] says
    ARGV[5]  for how long (ms), from now on
    ARGV[6]  the moderator whose doing this is, or '' where it follows from something else
  Returns: done, with `device` (if it is known) and `until`.
  Events: those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include barred
-- @include trail

local id, kind, reason, moderator = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
local at = tonumber(ARGV[4]) or NOW + ARGV[5]
bar_set(id, kind, reason, at)
send_home(id, kind)
if kind == 'banned' then streams_end(id) end
if moderator ~= '' then
  trail({ moderator = moderator, action = 'ban', userId = id, reason = reason, ['until'] = at })
end
local user = user_get(id)
return reply(OUTCOME.DONE, { device = user and user.device, ['until'] = at })
