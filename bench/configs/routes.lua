-- Requests spread over the whole table of routes, in an order that no cache of the last one helps.
local routes = tonumber(os.getenv("BENCH_ROUTES"))
local prepared, at = {}, 0
function init()
  for n = 0, routes - 1 do
    prepared[n] = wrk.format("GET", "/r" .. n .. "/1k")
  end
end
function request()
  at = (at + 7919) % routes
  return prepared[at]
end
