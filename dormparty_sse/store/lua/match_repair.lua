--[[
  Looks at one match anew, and mends what does not hang together, or ends it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
    ARGV[2]  a reason to end it though it is whole (domain/endings.py), or ''
    ARGV[3]  whose doing that is, or ''
  Returns: done, with `repairs`: what was mended, in words; nothing where all was well.
  Events: those of the ending.
]]
-- @include once
-- @include matches

local repairs = {}
local function mended(what) table.insert(repairs, what) end

local function ensure_deadline(kind, session, at)
  if redis.call('ZSCORE', KEY.deadlines(), kind .. ':' .. session) then return end
  deadline_set(kind, session, at)
  mended('had no deadline ' .. kind)
end

-- Is anybody still to leave the room?
local function is_awaited(match)
  for _, id in ipairs(people_of(match)) do
    local user = user_get(id)
    if user and user.state == 'DISCONNECTING' and user.sessionId == match.id then return true end
  end
  return false
end

-- Not one of the phases in which a match is listed. Its room, if it has one, is to go.
local function mend_phase(match)
  if not redis.call('ZSCORE', KEY.matches(), match.id) then return end
  if match.roomName and match.phase ~= 'closed' then
    redis.call('HSET', KEY.match(match.id), 'phase', 'closing')
    room_close(match.id)
    mended('had no phase, is closing now')
  else
    match_close(match.id)
    mended('was listed, and over')
  end
end

local session, reason = ARGV[1], ARGV[2]
local match = match_get(session) or { id = session }
if match.phase == 'reserved' then
  if match.roomName and match.user1 and match.user2 then
    ensure_deadline('reservation', session, NOW)
  else
    reservation_release(match)
    mended('was no reservation, and is undone')
  end
elseif match.phase == 'closing' then
  if not is_awaited(match) then ensure_deadline('room', session, NOW) end
elseif match.phase == 'open' then
  if reason ~= '' then
    match_end(match, reason, { [ARGV[3]] = true })
    mended('was ended: ' .. reason)
  elseif not match_whole(match) then
    match_end(match, 'room-failed', {})
    mended('was not whole, and has ended')
  else
    ensure_deadline('call', session, NOW + RULES.longest_call_ms)
    if user_get(match.user1).state == 'CONNECTING' then
      ensure_deadline('connect', session, NOW + RULES.connect_timeout_ms)
    end
  end
else
  mend_phase(match)
end
if #repairs == 0 then return reply(OUTCOME.NOTHING) end
return reply(OUTCOME.DONE, { repairs = repairs })
