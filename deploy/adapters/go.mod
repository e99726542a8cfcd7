module github.com/fiord-bench/fiord/deploy/adapters

go 1.26
