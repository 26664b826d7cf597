--[[
  Skip: the user's match ends and both go back to the tail of the queue.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  session id the skip is meant for, or '' for whichever is current
  Returns: skipped, with cooldownUntil if a cooldown begins with it; already-processed, no-active-match, foreign-session
           or invalid-state; with state and seq.
           cooling-down, with cooldownUntil, where the user has skipped too often.
  Events: skip-confirmed or force-disconnect, and room-closing, to each; requeued at once from CONNECTING.
]]
-- @include once
-- @include presence

local user = user_ensure(ARGV[1])
local fenced = fence(user, ARGV[2])
if fenced == 'foreign' then return answer(OUTCOME.FOREIGN_SESSION, user) end
if fenced == 'older' then return answer(OUTCOME.ALREADY_PROCESSED, user) end
if not user_may(user, 'skip') then return answer(OUTCOME.INVALID_STATE, user) end
if user_acts(user, 'skip') and skip_cooldown(user) then
  return answer(OUTCOME.COOLING_DOWN, user, { cooldownUntil = skip_cooldown(user) })
end
user_act(user, 'skip')
if user.state == 'DISCONNECTING' then return answer(OUTCOME.ALREADY_PROCESSED, user) end

if not user_acts(user, 'skip') then return answer(OUTCOME.NO_ACTIVE_MATCH, user) end
local cooldown = count_skip(user)
user_count(user, 'skips')
match_leave(user, 'skip')
return answer(OUTCOME.SKIPPED, user, { cooldownUntil = cooldown })
