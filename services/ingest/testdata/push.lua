-- Posts signed pushes as GitHub does, each of another commit, from a file that
-- BenchmarkReceiveWrk writes. Every thread takes its share of the lines.

local threads = 0

function setup(thread)
  thread:set("first", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1]))
  head, tail = file:read("*l"), file:read("*l")
  deliveries, next_one = {}, 0
  local n = 0
  for line in file:lines() do
    if n % 2 == first then deliveries[#deliveries + 1] = line end
    n = n + 1
  end
  file:close()
  headers = {
    ["Content-Type"] = "application/json",
    ["User-Agent"] = "GitHub-Hookshot/5f4b1c7",
    ["X-GitHub-Event"] = "push",
  }
end

function request()
  next_one = next_one + 1
  local delivery = deliveries[next_one]
  if not delivery then error("all deliveries have been sent: write more") end
  local commit, signature = delivery:match("^(%x+) (%x+)$")
  headers["X-GitHub-Delivery"] = commit
  headers["X-Hub-Signature-256"] = "sha256=" .. signature
  return wrk.format("POST", nil, headers, head .. commit .. tail)
end
