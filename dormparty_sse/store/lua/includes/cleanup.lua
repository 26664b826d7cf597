--[[
  Removing a user altogether, also one whose record makes no sense.
]]
-- @include steps

-- Ends what the user is in, for the others, when it cannot leave by itself.
local function user_tear_out(user)
  for _, session in ipairs({ user.sessionId or '', user.reservation or '' }) do
    local match = match_get(session)
    user.state, user.sessionId, user.reservation = 'IDLE', nil, nil -- nobody is to tell this one
    if match and match.phase == 'reserved' then reservation_release(match) end
    if match and match.phase == 'open' then match_end(match, 'admin', { [user.id] = true }) end
  end
end

-- The user's streams begin anew, and find somebody unknown, which is somebody at home.
local function user_remove(id)
  local user = user_get(id)
  if user and is_sane(user) then
    if user.state ~= 'IDLE' then go(user, 'IDLE') end
  elseif user then
    user_tear_out(user)
  end
  redis.call('ZREM', KEY.queue(), id)
  deadline_clear('leave', id)
  user_forget(id)
  redis.call('PUBLISH', KEY.events(id), '?')
end
