module github.com/fiord-bench/fiord/fio

go 1.26
