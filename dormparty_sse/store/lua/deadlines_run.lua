--[[
  Executes what has fallen due in a pool. Any process may run this at any time; a process that dies
  leaves nothing behind that another does not finish.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many at most
  Returns: done, with `rooms`: {sessionId, roomName, tries} to delete in LiveKit now. Each comes again, later and
           later, until room_deleted.lua says it is gone. `looks`: {sessionId, roomName} of calls in which somebody
           may be alone. And `inLine`: how many are free to be matched.
  Events: those of the endings: connect-timeout, connection-lost, stale; partner-reconnecting; requeued and idle.
]]
-- @include once
-- @include presence

local LOOK_AGAIN_MS = 1000
local UNWATCHED_MS = 5000 -- a deadline that is so late was watched by nobody

local rooms, looks = {}, {}
local run = {}

-- The room of a reserved pair was never made: its maker must have died.
function run.reservation(session)
  local match = match_get(session)
  if match and match.phase == 'reserved' then reservation_release(match) end
end

-- Not both came into the room.
function run.connect(session)
  local match = match_get(session)
  if not match or match.phase ~= 'open' then return end
  local absent = {}
  for _, id in ipairs(people_of(match)) do
    if not match['sid:' .. id] then absent[id] = true end
  end
  match_end(match, 'connect-timeout', absent)
end

-- A user had its moment to leave the room.
function run.leave(id)
  local user = user_get(id)
  if user and user.state == 'DISCONNECTING' then user_out(user) end
end

-- A cooldown is over: two people may meet again.
function run.match()
  rematch = true
end

-- A room is to be deleted. Handing it out is no proof that it will be, so it comes again.
function run.room(session)
  local match = match_get(session)
  if not (match and match.roomName) then return match_close(session) end -- nobody could name the room
  local tries = (natural(match.deleteTries) or 0) + 1
  redis.call('HSET', KEY.match(session), 'deleteTries', tries)
  local wait = math.min(RULES.room_delete_retry_ms * 2 ^ (tries - 1), RULES.room_delete_retry_max_ms)
  deadline_set('room', session, NOW + wait)
  table.insert(rooms, { sessionId = session, roomName = match.roomName, tries = tries })
end

-- Somebody may be alone in a call: LiveKit is to be asked, again and again until room_observed.lua has an answer.
function run.look(session)
  local match = match_get(session)
  if not match or match.phase ~= 'open' then return end
  deadline_set('look', session, NOW + LOOK_AGAIN_MS)
  table.insert(looks, { sessionId = session, roomName = match.roomName })
end

-- No call goes on for ever.
function run.call(session)
  local match = match_get(session)
  if match and match.phase == 'open' then match_end(match, 'room-finished', {}) end
end

-- Nobody has seen the user for so long that it is given up.
local function give_up(user)
  if user.state == 'CONNECTING' or user.state == 'IN_CALL' then
    match_leave(user, 'stale')
  elseif user.state == 'WAITING' then
    leave_queue(user, 'stale')
  elseif user.state == 'DISCONNECTING' then
    user_set(user, { targetState = 'IDLE' })
  end
end

-- A match whose user is away, or may be soon. When to look again; nil where there is nothing to look at.
local function look_at_listener(user, seen)
  local match = user.stream and open_match(user)
  if not match or match.phase ~= 'open' then return nil end
  if NOW >= listener_is_away_at(seen) then user_goes_away(user) end
  local away_since = tonumber(redis.call('ZSCORE', KEY.away(), user.id) or nil)
  if not away_since then return listener_is_away_at(seen) end
  if NOW < comes_back_by(away_since) then return comes_back_by(away_since) end
  match_end(match, 'connection-lost', { [user.id] = true })
end

-- Is a user still there? Asked again when it next might not be.
function run.presence(id, late)
  local user = user_get(id)
  if not user then return end
  -- Redis, or the whole service, was away, and could see nobody: now everybody has the time to be seen again.
  if late > UNWATCHED_MS then return deadline_set('presence', id, NOW + RULES.unreachable_after_ms) end
  local seen = last_seen(id)
  if seen <= NOW - RULES.stale_after_ms then give_up(user) end
  local next_look = look_at_listener(user, seen)
  if user.state == 'IDLE' and seen <= NOW - RULES.user_ttl_ms then return user_forget(id) end
  log_trim(id)
  redis.call('PEXPIRE', KEY.log(id), RULES.user_ttl_ms * 2) -- a long call has no events
  local patience = user.state == 'IDLE' and RULES.user_ttl_ms or RULES.stale_after_ms
  deadline_set('presence', id, next_look or math.max(seen + patience, NOW + RULES.leave_timeout_ms))
end

local due = redis.call('ZRANGEBYSCORE', KEY.deadlines(), '-inf', NOW, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
if #due == 0 then OPERATION = '' end -- nothing is done: who repeats this may as well look anew
for i = 1, #due, 2 do
  local entry, late = due[i], NOW - due[i + 1]
  redis.call('ZREM', KEY.deadlines(), entry)
  local kind, id = entry:match('^(%l+):(.*)$')
  if run[kind] then run[kind](id, late) end -- else of another version of this service
end
-- Each user has a deadline, so without any the pool is empty, and its places may begin anew.
due_at = tonumber(redis.call('ZRANGE', KEY.deadlines(), 0, 0, 'WITHSCORES')[2])
if not due_at then redis.call('DEL', KEY.next_place()) end
return reply(OUTCOME.DONE, { rooms = rooms, looks = looks, inLine = redis.call('ZCARD', KEY.queue()) })
