#!/bin/sh
# Makes the corpus with a real fio: generate.sh FIO FOLDER
#
#   testdata/generate.sh /usr/bin/fio testdata/fio-3.33
#
# Each case is a folder with the job file, what fio printed, and its logs. The
# loads are limited in rate and time so that the corpus stays small.
set -eu
fio=$(command -v "$1")
mkdir -p "$2"
cd "$2"

# run CASE [fio options]: reads the job file from standard input.
run() {
	name=$1
	shift
	rm -rf "$name"
	mkdir "$name"
	cat >"$name/job.fio"
	(cd "$name" && "$fio" --output-format=json+ "$@" job.fio >fio.json 2>stderr.txt || echo "$?" >exit)
	[ -s "$name/stderr.txt" ] || rm "$name/stderr.txt"
	rm -rf "$name"/data* # the files that were measured
}

head='[global]
ioengine=null
size=1g
bs=4k
time_based
runtime=1
'

run averaged <<E1
$head
write_bw_log=log
write_iops_log=log
write_lat_log=log
write_hist_log=log
log_avg_msec=100
log_hist_msec=250
rate_iops=2000
[reader]
rw=randread
numjobs=2
[mixed]
rw=randrw
log_offset=1
[writer]
rw=write
log_prio=1
log_hist_coarseness=3
E1

# Nothing completes for 350 ms after each burst of 40.
run stalls <<E1
$head
runtime=2
write_bw_log=log
write_iops_log=log
write_lat_log=log
log_avg_msec=100
[bursts]
rw=randread
thinktime=350ms
thinktime_blocks=40
E1

run each-io <<E1
$head
time_based=0
number_ios=300
write_bw_log=log
write_iops_log=log
write_lat_log=log
rate_iops=1000
[each]
rw=randrw
[offsets]
rw=randread
log_offset=1
E1

run appended <<E1
$head
per_job_logs=0
write_bw_log=log
log_avg_msec=200
rate_iops=500
[first]
rw=read
[second]
rw=read
stonewall
E1

run compressed <<E1
$head
time_based=0
number_ios=500
write_bw_log=log
write_lat_log=log
log_compression=64k
log_store_compressed=1
[plain]
rw=randread
[offsets]
rw=randrw
log_offset=1
E1

run grouped <<E1
$head
group_reporting
rate_iops=500
[one]
rw=read
numjobs=2
[two]
rw=write
bs=8k
E1

run stonewalls <<E1
$head
rate_iops=500
[one]
rw=read
[two]
rw=read
stonewall
[three]
rw=randread
E1

run unified <<E1
$head
unified_rw_reporting=both
rate_iops=300
[u]
rw=randrw
E1

run percentiles <<E1
$head
rate_iops=500
percentile_list=1:50:99.9:99.9999999:99.99999999
lat_percentiles=1
slat_percentiles=1
[p]
rw=randread
iodepth=4
E1

printf '%s[tab]\nrw=read\nrate_iops=100\ndescription=a\ttab, a "quote" and a \\ backslash\n' "$head" | run tab

run status --status-interval=500ms --eta=always --eta-newline=500ms <<E1
$head
runtime=2
rate_iops=200
[s]
rw=read
E1

run failing <<E1
[global]
ioengine=psync
size=1m
bs=4k
[works]
rw=write
filename=data1
[full]
rw=write
filename=/dev/full
[goes-on]
rw=write
filename=/dev/full
continue_on_error=write
E1

run refused <<E1
[global]
ioengine=null
size=1m
[bad]
rw=sideways
E1

run file-sync <<E1
[f]
ioengine=psync
filename=data
size=256k
bs=4k
rw=randrw
fsync=8
verify=crc32c
E1

run trims <<E1
$head
rate_iops=300
[t]
rw=trimwrite
E1

run steady <<E1
$head
runtime=6
rate_iops=300
ss=iops:50%
ss_dur=2
[st]
rw=read
E1

run nothing <<E1
$head
[none]
rw=read
number_ios=1
gtod_reduce=1
E1

# Times since 1970, and what the ramp did is left out; the totals of the group
# as fio logs them by itself.
run epoch <<E1
$head
write_bw_log=log
write_iops_log=log
write_lat_log=log
write_hist_log=log
log_avg_msec=100
log_hist_msec=250
log_unix_epoch=1
rate_iops=1000
[a]
rw=randread
[b]
rw=randwrite
E1
run ramp --bandwidth-log <<E1
$head
write_bw_log=log
write_iops_log=log
write_lat_log=log
log_avg_msec=100
ramp_time=700ms
rate_iops=1000
[a]
rw=randrw
E1

case $("$fio" --version) in
fio-3.3[7-9]* | fio-3.[4-9]*)
	run both-values <<E1
$head
write_bw_log=log
write_iops_log=log
write_lat_log=log
log_avg_msec=100
log_window_value=both
rate_iops=500
[b]
rw=randread
E1
	run issue-time <<E1
$head
time_based=0
number_ios=200
write_lat_log=log
log_offset=1
log_issue_time=1
rate_iops=500
[i]
rw=randread
E1
	;;
esac

# Two servers and a client on one machine.
mkdir -p served
cd served
printf '%s[c]\nrw=randread\nrate_iops=300\n' "$head" >job.fio
"$fio" --server=sock:a.sock >/dev/null 2>&1 &
a=$!
"$fio" --server=sock:b.sock >/dev/null 2>&1 &
b=$!
sleep 1
"$fio" --client=sock:a.sock job.fio --client=sock:b.sock job.fio --output-format=json+ >fio.json 2>stderr.txt || echo "$?" >exit
[ -s stderr.txt ] || rm stderr.txt
kill "$a" "$b" 2>/dev/null || true
rm -f a.sock b.sock
