// Package repos is the operator's repos.yaml: what a repository, a person or a
// token may ask of the machines, whatever a fiord.yaml or an event says.
//
// Ingest enforces it when a push or an event arrives, so that its author learns
// of it at once, and inventory when a bench is placed, whatever door the request
// came by. All services read the same file through this package.
//
// Every request has a rule: that of the repository for a push and a schedule,
// that of the person or the token for what these ask, that of the first bench
// for a confirmation and a rerun. A request that names no requester is refused.
// Within a rule everything that is not listed is denied, but for the pool
// "default" when a rule says nothing about pools. The administrator, who owns the
// data folder and could change the file, needs no rule. Without a file at all, on
// a machine of one's own, everything is allowed except pull requests.
//
//	version: 1
//	rules:
//	  - repositories: ["storage-lab/*"]
//	    forges: [github]
//	    signed_by: [github-lab]
//	    pools: [default, "nvme-*"]
//	    hosts: [bench-7]
//	    volumes: ["data@*"]
//	    urls: ["https://raw.githubusercontent.com/storage-lab/"]
//	    max_runs: 500
//	    max_timeout: 30m
//	    pull_requests: approved
//	  - people: [ada]
//	    may: [bench.requested, cancel.requested, push.approved, baseline.accepted]
//	    speaks_for: ["storage-lab/*"]
//	    pools: [default]
//	  - tokens: [nightly]
//	    pools: [default]
package repos
