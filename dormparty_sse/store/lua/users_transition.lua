--[[
  Steps of users, asked for by an operator or a program: all of them, or none.

    KEYS[1]  the pool's hash tag
    ARGV[1]  `perform`: each is one step of the transition table; `force`: each may take several at once, or none
    ARGV[2]  the steps, a JSON list of {userId, to, seq}; with a seq only if it is still the user's
  Returns: done; or invalid-step, and nothing has happened, with `index` (of the step, from 0), `userId`, `to`, and,
           where the user is known, `from`, `seq`, `allowed`: the states it could go to, `isSane`: does its
           record, and its partner's, hang together well enough for any step?, and `isBarred`: is it kept out?
  Events: those of what the steps do; a match ends with reason admin.
]]
-- @include once
-- @include steps
-- @include barred

local steps = cjson.decode(ARGV[2])
local is_forced = ARGV[1] == 'force'
local planned = {} -- by user: where it stands after the steps so far
local carried = {} -- by user: taken along by its partner's step

local function stands(user)
  return planned[user.id] or user.state
end

-- Nobody leads somebody into the queue whom a moderator keeps out of it.
local function is_kept_from(user, to)
  return to == 'WAITING' and bar_of(user.id) ~= nil
end

local function allowed_of(user)
  local states = {}
  if not is_sane(user) then return states end
  for to, states_on_way in pairs(WAYS[stands(user)] or {}) do
    if (is_forced or #states_on_way == 1) and not is_kept_from(user, to) then table.insert(states, to) end
  end
  return states
end

-- Scripts are not rolled back: whoever's record could let a step fail takes none.
local function is_allowed(user, step)
  if not is_sane(user) or is_kept_from(user, step.to) then return false end
  if step.seq and step.seq ~= tonumber(user.seq) then return false end
  local at = stands(user)
  if at == step.to then return is_forced or carried[user.id] == true end
  local on_way = WAYS[at] and WAYS[at][step.to]
  return on_way ~= nil and (is_forced or #on_way == 1)
end

local function plan(user, step)
  local at = stands(user)
  planned[user.id] = step.to
  if at ~= 'CONNECTING' and at ~= 'IN_CALL' or at == step.to then return end
  local partner = user.matchedWith
  carried[partner] = true
  planned[partner] = WAYS[at][step.to][1]
end

for index, step in ipairs(steps) do
  local user = user_get(step.userId)
  if not user or not is_allowed(user, step) then
    return reply(OUTCOME.INVALID_STEP, {
      index = index - 1, userId = step.userId, to = step.to, from = user and (stands(user) or ''),
      seq = user and (natural(user.seq) or 0), isSane = user and is_sane(user),
      isBarred = user and bar_of(user.id) ~= nil, allowed = user and allowed_of(user),
    })
  end
  plan(user, step)
end

forced = is_forced
for _, step in ipairs(steps) do
  local user = user_get(step.userId)
  if user.state ~= step.to then go(user, step.to) end
end
return reply(OUTCOME.DONE)
