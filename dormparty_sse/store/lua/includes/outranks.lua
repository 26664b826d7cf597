--[[
  Which of two bars stands: a ban before a suspension, and what lasts longer before the rest.
]]

local function outranks(bar, other)
  if bar.kind ~= other.kind then return bar.kind == 'banned' end
  return bar['until'] >= other['until']
end
