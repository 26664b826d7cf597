--[[
  A user goes home by its own will, from the match or the queue.
]]
-- @include presence

-- Returns the outcome. `action` is end or leave.
local function user_go_home(user, action)
  if not user_may(user, action) then return OUTCOME.INVALID_STATE end
  user_act(user, action)
  if user.state == 'IDLE' then return OUTCOME.IDLE end
  if not user_acts(user, action) then return OUTCOME.ALREADY_PROCESSED end

  if user.state == 'WAITING' then
    leave_queue(user, action == 'leave' and 'leave' or 'cancel')
    return OUTCOME.CANCELLED
  end

  if user.state == 'DISCONNECTING' then
    if user.targetState == 'IDLE' then return OUTCOME.ALREADY_PROCESSED end
    user_set(user, { targetState = 'IDLE' }) -- it was on its way back to the queue
    return OUTCOME.ENDED
  end

  user_count(user, 'ends')
  match_leave(user, action)
  return OUTCOME.ENDED
end
