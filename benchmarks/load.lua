-- wrk's part: sends requests that were made beforehand, in turn, and tells the result as JSON.
function init(args)
  requests, place = dofile(args[1]), 0
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('\n{"answers": %d, "seconds": %f, "errors": %d}\n', summary.requests,
    summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout))
end
