module github.com/fiord-bench/fiord/services/inventory

go 1.26.0

require (
	github.com/fiord-bench/fiord/artifacts v0.0.0
	github.com/fiord-bench/fiord/events v0.0.0
	github.com/fiord-bench/fiord/fio v0.0.0
	github.com/fiord-bench/fiord/internal v0.0.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace (
	github.com/fiord-bench/fiord/artifacts => ../../artifacts
	github.com/fiord-bench/fiord/events => ../../events
	github.com/fiord-bench/fiord/fio => ../../fio
	github.com/fiord-bench/fiord/internal => ../../internal
)
