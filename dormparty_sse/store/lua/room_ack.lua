--[[
  The user says it is out of the room: DISCONNECTING -> WAITING or IDLE.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  room name
  Returns: acknowledged, nothing-to-acknowledge or invalid-state; with state and seq.
  Events: requeued or idle.
]]
-- @include once
-- @include presence

local user = user_ensure(ARGV[1])
if not user_may(user, 'room-close-ack') then return answer(OUTCOME.INVALID_STATE, user) end
if not user_acts(user, 'room-close-ack') or user.currentRoom ~= ARGV[2] then
  return answer(OUTCOME.NOTHING_TO_ACKNOWLEDGE, user)
end
user_act(user, 'room-close-ack')
user_out(user)
return answer(OUTCOME.ACKNOWLEDGED, user)
