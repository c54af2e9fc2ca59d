-- Takes tokens from the budgets of one key under several rates: from all of them or from none.
--
-- The key holds a moment and, for each rate, the debt at that moment. Debts heal with time; a debt that is as large as
-- the room has no tokens left. All numbers are whole and at most 2^53, which Lua's numbers keep exactly: Redis makes
-- others negative, and a client may choose what it asks for.
--
-- ARGV: need, want, force, back, age, and for each rate what a token costs, what a microsecond heals, and the room.
--   At least `need` tokens are taken, up to `want`; with `force` exactly `need`, whatever is there.
--   `back` tokens that were taken `age` microseconds ago come back unused: what time has not healed of them.
-- Answer: tokens taken, and for each rate how many it would have given, how many are left, microseconds until `need`
--   may pass, microseconds until the budget is whole.

local need, want, force = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local back, age = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local EXACT = 2 ^ 53

local kept = {}
for number in string.gmatch(redis.call('GET', KEYS[1]) or '', '%d+') do
  kept[#kept + 1] = tonumber(number)
end
-- A clock that went back, as after a failover, heals nothing for once.
local past = math.max(0, now - (kept[1] or now))

local rates, taken = {}, want
for i = 6, #ARGV, 3 do
  local rate = {cost = tonumber(ARGV[i]), heal = tonumber(ARGV[i + 1]), room = tonumber(ARGV[i + 2])}
  local unhealed = math.max(0, back * rate.cost - age * rate.heal)
  local debt = (kept[#rates + 2] or 0) - past * rate.heal - unhealed
  -- A rate that was lowered meanwhile, and what was taken by force, leave no more debt than that.
  rate.debt = math.min(math.max(0, debt), 2 * rate.room)
  rate.gives = math.max(0, math.floor((rate.room - rate.debt) / rate.cost))
  taken = math.min(taken, rate.gives)
  rates[#rates + 1] = rate
end
if force then
  taken = need
elseif taken < need then
  taken = 0
end

local answer, value, longest = {taken}, {string.format('%.0f', now)}, 0
for _, rate in ipairs(rates) do
  local asked = rate.debt + need * rate.cost
  rate.debt = math.min(rate.debt + taken * rate.cost, 2 * rate.room)
  local whole = math.ceil(rate.debt / rate.heal)
  longest = math.max(longest, whole)
  value[#value + 1] = string.format('%.0f', rate.debt)
  answer[#answer + 1] = rate.gives
  answer[#answer + 1] = math.max(0, math.floor((rate.room - rate.debt) / rate.cost))
  answer[#answer + 1] = math.min(math.max(0, math.ceil((asked - rate.room) / rate.heal)), EXACT)
  answer[#answer + 1] = whole
end
-- A refusal changes nothing, so it writes nothing.
if taken > 0 or back > 0 or now < (kept[1] or 0) then
  redis.call('SET', KEYS[1], table.concat(value, ' '), 'PX', math.floor(longest / 1000) + 1)
end
return answer
