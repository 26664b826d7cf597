--[[
  Keeps a user out: it leaves its match or the queue, and does not come into the queue again.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  kind: suspended or banned
    ARGV[3]  reason
    ARGV[4]  until when (ms), or '' for as long as ARGV[5] says
    ARGV[5]  for how long (ms), from now on
    ARGV[6]  origin of a suspension: the pool whose reports it rests on, or ''
    ARGV[7]  the moderator whose doing this is, or '' where it follows from a bar of the user's device
    ARGV[8]  for the moderator's trail: 1 if the device, where it is known, is kept out as well
  Returns: done, with `device` ('' if it is not known) and `until`. What follows from a device makes no bar shorter.
  Events: those of leaving the queue or, by the ending `admin`, the match.
]]
-- @include once
-- @include presence
-- @include barred
-- @include trail

local id, kind, reason, origin, moderator = ARGV[1], ARGV[2], ARGV[3], ARGV[6], ARGV[7]
local at = tonumber(ARGV[4]) or NOW + ARGV[5]
local device = barred_device(id)
bar_set(id, kind, reason, at, device, origin, moderator ~= '')
send_home(id, kind)
if kind == 'banned' then streams_end(id) end
if moderator ~= '' then
  trail({
    moderator = moderator, action = 'ban', userId = id, reason = reason, ['until'] = at,
    device = ARGV[8] == '1' and device ~= '',
  })
end
return reply(OUTCOME.DONE, { device = device, ['until'] = at })
