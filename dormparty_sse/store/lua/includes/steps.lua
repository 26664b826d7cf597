--[[
  A user's way to a state, asked for from outside: by the transition table, whatever an operator wants.
]]
-- @include matches

-- The states on the way, or nil where there is none: nobody gets CONNECTING without a partner and a room.
local function way(user, to)
  local ways = WAYS[user.state]
  return ways and ways[to]
end

local function is_counted(user)
  return natural(user.seq) ~= nil and natural(user.since) ~= nil
end

-- Does the record hang together well enough for a step, its own and its partner's?
local function is_sane(user)
  local state = user.state
  if not WAYS[state] or not is_counted(user) then return false end
  if state == 'WAITING' then return natural(user.place) ~= nil end
  if state ~= 'CONNECTING' and state ~= 'IN_CALL' then return true end
  local match = open_match(user)
  return match ~= nil and match.phase == 'open' and match_whole(match) and is_counted(user_get(user.matchedWith))
end

-- Goes all the way. A partner gets what the ending `admin` has for it.
local function go(user, to)
  if user.state == 'IDLE' then
    enqueue(user, 'admin')
  elseif user.state == 'WAITING' then
    leave_queue(user, 'admin')
  elseif to == 'IN_CALL' then
    call_start(match_get(user.sessionId), 'admin')
  elseif user.state ~= 'DISCONNECTING' then
    match_end(open_match(user), 'admin', { [user.id] = to == 'IDLE' })
  end
  if user.state == 'DISCONNECTING' and to ~= 'DISCONNECTING' then
    user_set(user, { targetState = to })
    user_out(user)
  end
end
