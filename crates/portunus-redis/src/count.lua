-- Counts what a key uses in spans of time that end by the calendar: in all of them or in none.
--
-- Each key holds the number that was used in its span, and is gone when the span is over.
--
-- ARGV: need, force, back, and for each key the limit and the milliseconds that its span has left.
--   `need` is counted where it fits, or always with `force`; `back` is given back before.
-- Answer: what was counted, and for each key how much it would have given, how much is left, microseconds until `need`
--   may pass, microseconds until the span is over.

local need, force, back = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local EXACT = 2 ^ 53
local used, fits = {}, true
for i, key in ipairs(KEYS) do
  used[i] = math.min(math.max(0, (tonumber(redis.call('GET', key) or '0') or 0) - back), EXACT)
  fits = fits and used[i] + need <= tonumber(ARGV[2 + 2 * i])
end
local counted = (fits or force) and need or 0

local answer = {counted}
for i, key in ipairs(KEYS) do
  local limit, left = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  answer[#answer + 1] = math.max(0, limit - used[i])
  answer[#answer + 1] = math.max(0, limit - used[i] - counted)
  answer[#answer + 1] = used[i] + need > limit and left * 1000 or 0
  answer[#answer + 1] = left * 1000
  if counted > 0 or back > 0 then
    redis.call('SET', key, string.format('%.0f', math.min(used[i] + counted, EXACT)), 'PX', left + 1)
  end
end
return answer
