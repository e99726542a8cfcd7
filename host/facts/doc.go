// Package facts says what a host is and how it fares: what placement selects
// by, what environment.json records, and the fingerprints by which results may
// be compared.
//
// # Names
//
// Facts are text under names that placement constraints can select by. They
// keep Facter's names where Facter has one:
//
//	os, os_version, kernel, architecture    debian, 12, 6.1.0-13-amd64, x86_64
//	virtual, is_virtual                     physical, kvm, docker …; true or false
//	selinux_enforced                        true or false
//	cpus, cpu_model, numa_nodes             online CPUs, as text
//	memory_total, memory_free               bytes; free is the kernel's MemAvailable
//	swap_total, swap_free                   bytes
//	system_load_<n>min                      run queue as percent of the CPUs, %02d
//	system_overload_<n>min                  what of it exceeds the CPUs, %02d
//	device.<name>.<model|serial|wwn|firmware|scheduler|size|rotational>
//	container_engine, volume_drivers        from the runner
//	fio_version                             fio-3.33
//
// n is 1, 5, 10 or 15. The kernel keeps no average over 10 minutes; it is taken
// as the mean of those over 5 and 15. Two digits at least ("%02d") let patterns
// such as /[0-2][0-5]/ work as they always have.
//
// # Custom facts
//
// A folder facts.d adds facts as Facter's external facts do: files of k=v
// lines, JSON or YAML, and executables that print any of the three. An
// executable has a time limit, everything has a size limit, and what is wrong
// with one file is reported and leaves the others alone.
package facts
