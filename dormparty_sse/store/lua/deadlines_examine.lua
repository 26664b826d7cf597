--[[
  When some deadlines fall due. Those that are executed or cleared are left out.

    KEYS[1]  the pool's hash tag
    ARGV     deadlines
  Returns: done, with `deadlines`: {deadline, when it falls due}.
  Events: none.
]]
-- @include base

local entries = {}
for _, deadline in ipairs(ARGV) do
  local at = redis.call('ZSCORE', KEY.deadlines(), deadline)
  if at then table.insert(entries, { deadline, tonumber(at) }) end
end
return reply(OUTCOME.DONE, { deadlines = entries })
