--[[
  The queue of a pool: users who may be matched, by place. Places come from a counter, so two who
  join in the same millisecond keep their order, and a place can be given back to its owner.
]]
-- @include users
-- @include bar

-- { position, queueLength, estimatedWaitSeconds } of a WAITING user. The estimate is what people waited lately,
-- however long this one has waited already; nil while nobody was matched lately.
local function queue_view(user)
  local place = natural(user.place)
  local position = place and redis.call('ZCOUNT', KEY.queue(), '-inf', '(' .. place) + 1
  local length = redis.call('ZCARD', KEY.waiting())
  local average = natural(redis.call('GET', KEY.average_wait()))
  local estimate = average and math.max(1, math.ceil(average / 1000))
  return { position = position, queueLength = length, estimatedWaitSeconds = estimate }
end

-- Puts a user, already WAITING, in line: at the tail, or where it stood before. Who is away has a place, and
-- comes into line when it is back.
local function queue_add(user, keep_place)
  if not (keep_place and natural(user.place)) then
    user_set(user, { place = redis.call('INCR', KEY.next_place()), joinedQueueAt = NOW })
  elseif not natural(user.joinedQueueAt) then
    user_set(user, { joinedQueueAt = NOW })
  end
  if is_away(user.id) then return end
  redis.call('ZADD', KEY.queue(), user.place, user.id)
  rematch = true
end

-- IDLE -> WAITING. The queue as the user then sees it.
local function enqueue(user, reason)
  transition(user, 'WAITING', reason)
  user_set(user, { notification = false })
  queue_add(user, false)
  deadline_set('presence', user.id, NOW + RULES.stale_after_ms)
  local view = queue_view(user)
  view.state, view.seq = user.state, tonumber(user.seq)
  emit(user.id, 'queued', view)
  view.type, view.timestamp = nil, nil -- the event's own
  return view
end

-- A user's way back into the queue, from a match. The event carries the step.
local function requeue(user, reason, session, keep_place)
  transition(user, 'WAITING', reason, session)
  queue_add(user, keep_place)
  local event = queue_view(user)
  event.state, event.seq, event.reason, event.sessionId = user.state, tonumber(user.seq), reason, session
  emit(user.id, 'requeued', event)
end

-- A user's way home. Leaves the queue, if it stood there.
local function go_idle(user, reason, session)
  redis.call('ZREM', KEY.queue(), user.id)
  transition(user, 'IDLE', reason, session)
  user_set(user, { place = false, joinedQueueAt = false, interests = false })
  local is_barred = reason == 'suspended' or reason == 'banned'
  emit(user.id, 'idle', {
    state = user.state, seq = tonumber(user.seq), reason = reason, sessionId = session,
    bar = is_barred and bar_told(user.id) or nil,
  })
end

local PAGE = 100
local MAX_PAGES = 10 -- bounds the time Redis is kept busy by a line of people who have gone

-- Shows `visit` those in line who were seen lately, from rank `from` on, oldest first, until it returns true or has
-- seen `most`. It must not take anybody out of the line. Who was not seen lately leaves the line, for as long as that
-- is so. Returns how many `visit` has seen.
local function each_in_line(from, most, visit)
  local visited, unseen, ended = 0, {}, false
  for page = 0, MAX_PAGES - 1 do
    local first = from + page * PAGE
    local ids = redis.call('ZRANGE', KEY.queue(), first, first + PAGE - 1)
    for _, id in ipairs(ids) do
      if last_seen(id) < NOW - RULES.unreachable_after_ms then
        table.insert(unseen, id)
      else
        visited = visited + 1
        ended = visit(id) or visited == most
        if ended then break end
      end
    end
    if ended or #ids < PAGE then break end
  end
  for _, id in ipairs(unseen) do
    redis.call('ZREM', KEY.queue(), id)
    redis.call('ZADD', KEY.away(), NOW, id)
  end
  return visited
end

-- Until when two people are kept apart (ms), or nil.
local function cooling_until(a, b)
  local at = tonumber(redis.call('ZSCORE', KEY.cooldowns(a), b))
  if at and at > NOW then return at end
end

-- Has one of the two blocked the other?
local function are_blocked(a, b)
  return redis.call('ZSCORE', KEY.blocks(person_of(a)), person_of(b)) ~= false
end

local function keep_apart(a, b, at)
  for _, pair in ipairs({ { a, b }, { b, a } }) do
    local key = KEY.cooldowns(pair[1])
    redis.call('ZREMRANGEBYSCORE', key, '-inf', NOW)
    redis.call('ZADD', key, at, pair[2])
    redis.call('PEXPIRE', key, RULES.pair_cooldown_ms + 1000)
  end
end
