--[[
  The matches that are reserved, open or closing, with who is in the room of each, by how long they have been so.

    KEYS[1]  the pool's hash tag
    ARGV[1]  how many at most
    ARGV[2]  since when the last match of the page before has been listed, or '' for the first page
    ARGV[3]  that match's session id
  Returns: done, with `rooms`: sessionId, since, roomName, phase, occupancyAt, and people: {userId, sid, joinedAt,
           absentSince, aloneSince}; what is unknown is left out; and `more`: are there any after these?
  Events: none.
]]
-- @include pages

local function person_of(match, id)
  return {
    userId = id, sid = match['sid:' .. id],
    joinedAt = natural(match['joinedAt:' .. id]), absentSince = natural(match['absentSince:' .. id]),
    aloneSince = natural(match['aloneSince:' .. id]),
  }
end

local function room_of(session, since)
  local match = hash_get(KEY.match(session)) or {}
  local people = {}
  for _, id in ipairs({ match.user1 or '', match.user2 or '' }) do table.insert(people, person_of(match, id)) end
  return {
    sessionId = session, since = since, roomName = match.roomName, phase = match.phase,
    occupancyAt = natural(match.occupancyAt), people = people,
  }
end

local entries, more = sorted_page(KEY.matches(), 'oldest', tonumber(ARGV[1]), '+inf', ARGV[2], ARGV[3])
local rooms = {}
for i, entry in ipairs(entries) do rooms[i] = room_of(entry[1], entry[2]) end
return reply(OUTCOME.DONE, { rooms = rooms, more = more })
