module github.com/fiord-bench/fiord/cmd/fiord

go 1.26.0

require (
	github.com/fiord-bench/fiord/artifacts v0.0.0
	github.com/fiord-bench/fiord/events v0.0.0
	github.com/fiord-bench/fiord/fio v0.0.0
	github.com/fiord-bench/fiord/internal v0.0.0
	github.com/fiord-bench/fiord/services/bench v0.0.0
	github.com/fiord-bench/fiord/services/ingest v0.0.0
	github.com/fiord-bench/fiord/services/inventory v0.0.0
	github.com/fiord-bench/fiord/services/notify v0.0.0
	github.com/fiord-bench/fiord/services/plot v0.0.0
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)

replace (
	github.com/fiord-bench/fiord/artifacts => ../../artifacts
	github.com/fiord-bench/fiord/events => ../../events
	github.com/fiord-bench/fiord/fio => ../../fio
	github.com/fiord-bench/fiord/internal => ../../internal
	github.com/fiord-bench/fiord/services/bench => ../../services/bench
	github.com/fiord-bench/fiord/services/ingest => ../../services/ingest
	github.com/fiord-bench/fiord/services/inventory => ../../services/inventory
	github.com/fiord-bench/fiord/services/notify => ../../services/notify
	github.com/fiord-bench/fiord/services/plot => ../../services/plot
)
