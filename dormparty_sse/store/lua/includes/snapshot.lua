--[[
  What a user may know of where it stands: the answer of `status`, and the stream's first event.
]]
-- @include matches

-- Why nobody was found for a WAITING user though others wait, and until when; nil if that is not so.
local function hold_of(user)
  if user.reservation then return nil end
  local nearest, others, found = nil, 0, false
  each_in_line(0, RULES.hold_scan, function(id)
    if id == user.id then return false end
    others = others + 1
    local is_blocked, at = are_blocked(user.id, id), cooling_until(user.id, id)
    found = not (is_blocked or at)
    if at and not is_blocked then nearest = math.min(nearest or at, at) end
    return found
  end)
  if found then return nil end
  if others == 0 then return 'alone-in-queue' end
  if not nearest then return 'blocked' end
  return 'cooldown', nearest
end

-- The queue as a WAITING user sees it, and why nobody was found.
local function waiting_view(user)
  local view = queue_view(user)
  view.waitingSince = tonumber(user.joinedQueueAt)
  view.holdReason, view.holdUntil = hold_of(user)
  if view.holdUntil and view.estimatedWaitSeconds then
    view.estimatedWaitSeconds = math.max(view.estimatedWaitSeconds, math.ceil((view.holdUntil - NOW) / 1000))
  end
  return view
end

local function match_view(user)
  local match = open_match(user)
  if not (match and match.roomName) then return nil end
  return {
    sessionId = match.id, roomName = match.roomName, user1 = match.user1, user2 = match.user2,
    partnerId = user.matchedWith, createdAt = tonumber(match.createdAt),
    commonInterests = json_table(match.commonInterests),
  }
end

local function snapshot(user)
  local view = user.state == 'WAITING' and waiting_view(user) or {}
  view.match = match_view(user)
  view.cooldownUntil = skip_cooldown(user)
  view.notification = json_table(user.notification)
  return view
end
