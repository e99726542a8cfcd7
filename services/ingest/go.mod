module github.com/fiord-bench/fiord/services/ingest

go 1.26.0

require (
	github.com/fiord-bench/fiord/artifacts v0.0.0
	github.com/fiord-bench/fiord/events v0.0.0
	github.com/fiord-bench/fiord/fio v0.0.0
	github.com/fiord-bench/fiord/internal v0.0.0
)

require (
	github.com/bahlo/generic-list-go v0.2.0 // indirect
	github.com/bmatcuk/doublestar/v4 v4.10.4 // indirect
	github.com/buger/jsonparser v1.1.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/invopop/jsonschema v0.14.0 // indirect
	github.com/pb33f/ordered-map/v2 v2.3.1 // indirect
	github.com/robfig/cron/v3 v3.0.1 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/fiord-bench/fiord/artifacts => ../../artifacts
	github.com/fiord-bench/fiord/events => ../../events
	github.com/fiord-bench/fiord/fio => ../../fio
	github.com/fiord-bench/fiord/internal => ../../internal
)
