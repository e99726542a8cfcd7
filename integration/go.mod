module github.com/fiord-bench/fiord/integration

go 1.26.0

require (
	github.com/fiord-bench/fiord/artifacts v0.0.0
	github.com/fiord-bench/fiord/cmd/fiord v0.0.0
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
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/chromedp/chromedp v0.23.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	golang.org/x/mod v0.42.0 // indirect
)

replace (
	github.com/fiord-bench/fiord/artifacts => ../artifacts
	github.com/fiord-bench/fiord/cmd/fiord => ../cmd/fiord
	github.com/fiord-bench/fiord/events => ../events
	github.com/fiord-bench/fiord/fio => ../fio
	github.com/fiord-bench/fiord/internal => ../internal
	github.com/fiord-bench/fiord/services/bench => ../services/bench
	github.com/fiord-bench/fiord/services/ingest => ../services/ingest
	github.com/fiord-bench/fiord/services/inventory => ../services/inventory
	github.com/fiord-bench/fiord/services/notify => ../services/notify
	github.com/fiord-bench/fiord/services/plot => ../services/plot
)
