-- Asks for the paths given after "--" in turn, and ends with one line of JSON.
local requests, last = {}, 0

function init(paths)
  for number = 1, #paths do
    requests[number] = wrk.format("GET", paths[number])
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"failed":%d,"bytes":%d,"p95_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, failed, summary.bytes, latency:percentile(95) / 1e3))
end
