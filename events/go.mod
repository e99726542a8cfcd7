module github.com/fiord-bench/fiord/events

go 1.26
