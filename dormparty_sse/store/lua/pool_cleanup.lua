--[[
  Emergency: removes the users that a pool had when this began, and then its matches of then, some at a time. Rooms are
  closed, and stay known until LiveKit has confirmed that they are gone. Whoever comes back meanwhile, stays.

    KEYS[1]  the pool's hash tag
    ARGV[1]  about how many at most
    ARGV[2]  when this began (ms), or '' for now
    ARGV[3]  number of the index to go on in, from 1
    ARGV[4]  cursor to go on from, 0 for the beginning
  Returns: done, with `removed`, a count of users, and `began`; and `at` and `cursor` to go on with, unless all is done.
  Events: those of the ending `admin`, to partners; the control message `?` on the channel of each user.
]]
-- @include once
-- @include cleanup
-- @include scan

forced = true

local MATCHES = #INDEXES + 1 -- comes after the indexes of users
local began = natural(ARGV[2]) or NOW
local many, at, cursor = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[4]
local removed = 0

local function remove(id)
  local created = natural(redis.call('HGET', KEY.user(id), 'createdAt'))
  if created and created > began then return end
  user_remove(id)
  removed = removed + 1
end

local function close(session, since)
  local match = match_get(session)
  if not (match and match.roomName) then return match_close(session) end
  if since > began then return end
  redis.call('HSET', KEY.match(session), 'phase', 'closing')
  for _, kind in ipairs({ 'reservation', 'connect', 'look', 'call' }) do deadline_clear(kind, session) end
  room_close(session)
end

local function close_some()
  local page = redis.call('ZSCAN', KEY.matches(), cursor, 'COUNT', many)
  for i = 1, #page[2], 2 do close(page[2][i], tonumber(page[2][i + 1])) end
  if page[1] ~= '0' then return MATCHES, page[1] end
  redis.call('DEL', KEY.average_wait())
  if redis.call('ZCARD', KEY.waiting()) == 0 then redis.call('DEL', KEY.next_place()) end
end

if at < MATCHES then
  at, cursor = each_user(at, cursor, many, remove)
  if not at then at, cursor = MATCHES, '0' end
else
  at, cursor = close_some()
end
return reply(OUTCOME.DONE, { removed = removed, began = began, at = at, cursor = cursor })
