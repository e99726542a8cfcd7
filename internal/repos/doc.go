// Package repos is the operator's repos.yaml: what a repository may ask of the
// machines, whatever its own fiord.yaml says.
//
// Ingest enforces it when a push arrives, so that its author is told at once,
// and inventory when a bench is placed, so that nobody gets past it by
// publishing an event himself. Both read the same file through this package.
//
// Within a rule everything that is not listed is denied, but for the pool
// "default" when a rule says nothing about pools. Without a file at all, on a
// machine of one's own, everything is allowed except pull requests.
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
package repos
