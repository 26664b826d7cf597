--[[
  The user says it is out of the room: DISCONNECTING -> WAITING or IDLE.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  room name
  Returns: acknowledged, or nothing-to-acknowledge; with state and seq.
  Events: requeued or idle.
]]
-- @include once
-- @include presence

local user = user_ensure(ARGV[1])
if user.state ~= 'DISCONNECTING' or user.currentRoom ~= ARGV[2] then
  return answer(OUTCOME.NOTHING_TO_ACKNOWLEDGE, user)
end
user_act(user, 'room-close-ack')
user_out(user)
return answer(OUTCOME.ACKNOWLEDGED, user)
