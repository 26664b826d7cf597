--[[
  A user's stream begins: the snapshot, and what the stream missed since `last id`, as of one moment.
  An older stream of the user, wherever it is, is told that it is superseded.

    KEYS[1]  the pool's hash tag
    ARGV[1]  user id
    ARGV[2]  the last event id the client has, or '' for none
  Returns: done, with `generation`, `resync`, `lastId` (the newest id in the log), `events`: {id, data},
           `openSession` (whose `new-match` still stands), and the snapshot of user_status.lua.
  Events: none; on the user's channel the control message `!GENERATION`, and `-` if the user is served no more.
]]
-- @include presence
-- @include barred
-- @include snapshot
-- @include replay

local user = user_acting(ARGV[1]) or user_make(ARGV[1])
local in_match = user.state == 'CONNECTING' or user.state == 'IN_CALL'
-- Another page of the user takes over: what the older one does to the room in its last moment is no departure.
-- Who resumes is no other page: so does each poll, and a page that lost its stream.
if in_match and user.stream == 'open' and ARGV[2] == '' then user_set(user, { takenOverAt = NOW }) end
if in_match then deadline_set('presence', user.id, listener_is_away_at(NOW)) end
redis.call('ZADD', KEY.presence(), NOW, user.id)
user_comes_back(user)
-- The time is part of it, so that Redis may lose it and the newest stream still has the highest.
local generation = math.max(NOW, (natural(user.streamGeneration) or 0) + 1)
user_set(user, { stream = 'open', streamGeneration = generation })
redis.call('PUBLISH', KEY.events(user.id), '!' .. generation)
streams_end_if_served_no_more(user.id)
local fields = replay(user.id, ARGV[2])
fields.generation = generation
for name, value in pairs(snapshot(user)) do fields[name] = value end
return answer(OUTCOME.DONE, user, fields)
