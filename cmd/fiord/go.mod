module github.com/fiord-bench/fiord/cmd/fiord

go 1.26

require (
	github.com/fiord-bench/fiord/events v0.0.0
	github.com/fiord-bench/fiord/fio v0.0.0
	github.com/fiord-bench/fiord/artifacts v0.0.0
	github.com/fiord-bench/fiord/internal v0.0.0
	github.com/fiord-bench/fiord/services/ingest v0.0.0
	github.com/fiord-bench/fiord/services/inventory v0.0.0
	github.com/fiord-bench/fiord/services/bench v0.0.0
	github.com/fiord-bench/fiord/services/plot v0.0.0
	github.com/fiord-bench/fiord/services/notify v0.0.0
)

replace (
	github.com/fiord-bench/fiord/events => ../../events
	github.com/fiord-bench/fiord/fio => ../../fio
	github.com/fiord-bench/fiord/artifacts => ../../artifacts
	github.com/fiord-bench/fiord/internal => ../../internal
	github.com/fiord-bench/fiord/services/ingest => ../../services/ingest
	github.com/fiord-bench/fiord/services/inventory => ../../services/inventory
	github.com/fiord-bench/fiord/services/bench => ../../services/bench
	github.com/fiord-bench/fiord/services/plot => ../../services/plot
	github.com/fiord-bench/fiord/services/notify => ../../services/notify
)
