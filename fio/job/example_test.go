package job_test

import (
	"fmt"

	"github.com/fiord-bench/fiord/fio/job"
)

func Example() {
	src := "[global]\nioengine=libaio\ndirect=1\nruntime=30\ntime_based\nsize=1g\n\n[db]\nrw=randrw\nfilename=/data/db\n"
	f, err := job.Parse("db.fio", []byte(src), job.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, j := range f.Jobs() {
		touches, findings := j.Touches()
		for _, t := range touches {
			fmt.Printf("%s: %s %s\n", t.Pos, t.Access, t.Path)
		}
		fmt.Println(len(findings), "things that cannot be known")
	}
	fmt.Println("runs for", f.Plan().Duration)
	if _, err := f.Set("iodepth", "32"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", f.Bytes())
	// Output:
	// db.fio:10:1: read,write,create /data/db
	// 0 things that cannot be known
	// runs for 30s
	// [global]
	// ioengine=libaio
	// direct=1
	// runtime=30
	// time_based
	// size=1g
	//
	// [db]
	// rw=randrw
	// filename=/data/db
	// iodepth=32
}
