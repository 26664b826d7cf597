--[[
  A command is carried out once. Its answer is kept for a while under the id of the operation: whoever repeats
  it, since the answer was lost on its way, gets the same answer, and nothing is done again.
]]
-- @include base

local answered = OPERATION ~= '' and redis.call('GET', KEY.operation(OPERATION))
if answered then return answered end

table.insert(after_reply, function(answer)
  if OPERATION == '' then return end
  redis.call('SET', KEY.operation(OPERATION), answer, 'PX', RULES.operation_ttl_ms)
end)
