-- Requests with tokens out of a file, one after the other: BENCH_TOKENS names it, of its lines the first
-- BENCH_TOKEN_COUNT are taken.
local prepared, count, at = {}, 0, 0
function init()
  local wanted = tonumber(os.getenv("BENCH_TOKEN_COUNT"))
  for token in io.lines(os.getenv("BENCH_TOKENS")) do
    if count == wanted then break end
    prepared[count] = wrk.format("GET", nil, {Authorization = "Bearer " .. token})
    count = count + 1
  end
end
function request()
  at = (at + 1) % count
  return prepared[at]
end
