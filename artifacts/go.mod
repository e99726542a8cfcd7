module github.com/fiord-bench/fiord/artifacts

go 1.26

require (
	github.com/fiord-bench/fiord/events v0.0.0
)

replace (
	github.com/fiord-bench/fiord/events => ../events
)
