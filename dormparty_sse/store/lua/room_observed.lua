--[[
  LiveKit was asked who is in the room of a match. What its webhooks have not told, or told wrongly, is mended: who is
  in it is counted in, and who is missing from a call for longer than the grace ends it.

    KEYS[1]  the pool's hash tag
    ARGV[1]  session id
    ARGV[2]  when LiveKit was asked, by Redis's clock and not later than it was, ms
    ARGV[3]  who is in it, a JSON list of {identity, sid, joinedAt}
  Returns: done, with `findings`: {kind, userId}, kind being one of domain/discrepancies.py, and `strangers`: identities
           that do not belong; nothing where there is no such open match.
  Events: call-started; those of the ending connection-lost.
]]
-- @include once
-- @include webhooks

local findings = {}
local function found(kind, id)
  table.insert(findings, { kind = kind, userId = id })
end

local match = match_get(ARGV[1])
if not match or match.phase ~= 'open' then return reply(OUTCOME.NOTHING) end
local asked_at = tonumber(ARGV[2])

local seen, strangers = {}, {}
for _, participant in ipairs(cjson.decode(ARGV[3])) do
  if is_member(match, participant.identity) then
    seen[participant.identity] = participant
  else
    table.insert(strangers, participant.identity)
  end
end

local function mend_present(id, participant)
  if match['sid:' .. id] == participant.sid then
    participant_found(match, id)
  elseif is_newest(match, id, participant.sid, participant.joinedAt) then
    participant_in(match, id, participant.sid, participant.joinedAt, 'reconciled')
    found('uncounted', id)
  end
end

-- Is the user missing from the call, and has it been for too long? One look is no proof of that.
local function is_lost(id)
  local user = user_get(id)
  if not user or user.state ~= 'IN_CALL' or (natural(user.roomJoinedAt) or 0) >= asked_at then return false end
  local since = natural(match['absentSince:' .. id])
  if not since then
    participant_missed(match, id)
    found('missing', id)
  end
  return since ~= nil and asked_at - since >= RULES.alone_grace_ms
end

local lost, anybody_lost, anybody_missed = {}, false, false
for _, id in ipairs(people_of(match)) do
  if seen[id] then
    mend_present(id, seen[id])
  elseif is_lost(id) then
    lost[id] = true
    anybody_lost = true
  end
  anybody_missed = anybody_missed or match['absentSince:' .. id] ~= nil
end
if anybody_lost then
  for id in pairs(lost) do found('lost', id) end
  match_end(match, 'connection-lost', lost)
elseif not anybody_missed then
  deadline_clear('look', match.id)
end
return reply(OUTCOME.DONE, { findings = findings, strangers = strangers })
