--[[
  What the queue looks like to many users at once, for `queue-update`.

    KEYS[1]  the pool's hash tag
    ARGV     user ids
  Returns: done, with `views`: {userId, state, seq, position, queueLength, estimatedWaitSeconds, waitingSince,
           holdReason, holdUntil} of each who is WAITING.
  Events: none.
]]
-- @include snapshot

local views = {}
for _, id in ipairs(ARGV) do
  local user = user_get(id)
  if user and user.state == 'WAITING' then
    local view = waiting_view(user)
    view.userId, view.state, view.seq = id, user.state, tonumber(user.seq)
    table.insert(views, view)
  end
end
return reply(OUTCOME.DONE, { views = views })
