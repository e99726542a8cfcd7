package job

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// touched formats what a job touches, one line each, without made-up names
// that exist only when they are special files.
func touched(j *Job) []string {
	touches, findings := j.Touches()
	var out []string
	for _, t := range touches {
		if !t.IfSpecial {
			out = append(out, fmt.Sprintf("%d %s %s %s", t.Pos.Line, t.Option, t.Access, t.Path))
		}
	}
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%d %s! %s", f.Pos.Line, f.Option, f.Rule))
	}
	return out
}

func TestHostileJobsAreSeenThrough(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"a device by alias", "[j]\nreadwrite=randtrim\nfilename=/dev/sda\n", []string{"3 filename trim,create /dev/sda"}},
		{"a device in global", "[global]\nfilename=/dev/sda\n[j]\nrw=write\nfilename=x\n", []string{"2 filename write,create /dev/sda", "5 filename write,create x"}},
		{"a list", "[j]\nfilename=x:/dev/sda\\:1\n", []string{"2 filename read,create x", "2 filename read,create /dev/sda:1"}},
		{"a format that climbs", "[j]\ndirectory=d\nfilename_format=../../$jobname\n", []string{"3 filename_format read,create d/../../j"}},
		{"trim within verify", "[j]\nrw=write\nfilename=x\nverify=md5\ntrim_percentage=10\nverify_state_save=0\n", []string{"3 filename read,write,trim,create x"}},
		{"zones", "[j]\nrw=write\nfilename=/dev/z\nzonemode=zbd\nallow_file_create=0\n", []string{"3 filename write,trim,create /dev/z"}},
		{"deletion", "[j]\nrw=read\nfilename=x\nunlink=1\n", []string{"3 filename read,delete,create x"}},
		{"null deletes too", "[j]\nioengine=null\nfilename=x\nunlink=1\n", []string{"3 filename delete x"}},
		{"a folder under a directory", "[j]\ndirectory=d\nopendir=/o\n", []string{"3 opendir read,create /o", "3 opendir read,create d//o", "1  read,create d/j.0.0", "3 opendir read /o"}},
		{"an engine that deletes", "[j]\nioengine=filedelete\nfilename=x\n", []string{"3 filename read,delete,create x"}},
		{"a command", "[j]\nioengine=null\nexec_prerun=rm -rf /\n", []string{"3 exec_prerun execute rm -rf /", "3 exec_prerun write,create j.prerun.txt"}},
		{"a command of renamed copies", "[j]\nioengine=null\nname=k\nnumjobs=2\nexec_postrun=true\n", []string{"5 exec_postrun execute true", "5 exec_postrun write,create k.postrun.txt", "5 exec_postrun write,create j.postrun.txt"}},
		{"a program", "[j]\nioengine=exec\nprogram=sh\narguments=-c reboot\n", []string{"3 program execute sh -c reboot"}},
		{"a library", "[j]\nioengine=external:/tmp/x.so\nfilename=f\n", []string{"3 filename read,create f", "2 ioengine load /tmp/x.so"}},
		{"an unknown engine", "[j]\nioengine=./x\nfilename=f\n", []string{"3 filename read,create f", "2 ioengine load ./x", "2 ioengine! unknown"}},
		{"an unknown option", "[j]\nioengine=null\nfrobnicate=1\n", []string{"3 frobnicate! unknown"}},
		{"an option of the engine of [global]", "[global]\nioengine=io_uring\nsqthread_poll=1\nfilename=f\n[j]\nioengine=libaio\n", []string{"4 filename read,create f"}},
		{"a donor of [global]", "[global]\nioengine=e4defrag\ndonorname=d\nfilename=f\n[j]\nioengine=psync\n", []string{"4 filename read,create f"}},
		{"an inherited donor", "[global]\nioengine=e4defrag\ndonorname=d\nfilename=f\n[j]\n", []string{"4 filename read,write,create f", "3 donorname write,create d"}},
		{"a donor of which of two engines", "[global]\nioengine=e4defrag\nioengine=psync\ndonorname=d\nfilename=f\n[j]\n", []string{"5 filename read,create f", "4 donorname! unknown"}},
		{"another engine's option", "[j]\nioengine=null\nhostname=h\n", []string{"3 hostname! unknown"}},
		{"an unknown direction", "[j]\nfilename=x\nrw=wrote\n", []string{"2 filename read,write,trim,create x", "3 rw! unknown"}},
		{"a trace", "[j]\nread_iolog=t:u\nreplay_redirect=/dev/sda\n", []string{"2 read_iolog read t", "2 read_iolog read u", "3 replay_redirect read,write,trim /dev/sda", "2 read_iolog! replay"}},
		{"the network", "[j]\nioengine=net\nhostname=h\nfilename=x\n", []string{"2 ioengine connect net", "3 hostname connect h"}},
		{"the network without an address", "[j]\nioengine=nbd\n", []string{"2 ioengine connect nbd"}},
		{"memory in a file", "[j]\nioengine=null\nmem=mmaphuge:/huge/f\n", []string{"3 mem write,delete,create /huge/f", "3 mem! opaque"}},
		{"a pattern from a file", "[j]\nioengine=null\nbuffer_pattern='/etc/shadow'0xff\n", []string{"3 buffer_pattern read /etc/shadow"}},
		{"the scheduler", "[j]\nioengine=null\nioscheduler=none\n", []string{"3 ioscheduler system ioscheduler=none"}},
		{"a control group", "[j]\nioengine=null\ncgroup=../x\n", []string{"3 cgroup system cgroup=../x"}},
		{"a user", "[j]\nioengine=null\nuid=0\n", []string{"3 uid system uid=0"}},
		{"a profile", "[j]\nioengine=null\nprofile=act\n", []string{"3 profile! opaque"}},
		{"an unset variable", "[j]\nioengine=null\nsize=${X}\n", []string{"3 ! variable"}},
		{"a variable that is an option", "[j]\nioengine=null\n${X}write_iolog=/etc/passwd\n", []string{"3 write_iolog write,create /etc/passwd", "3 ! variable"}},
		{"a path that bc computes", "[j]\nioengine=null\nwrite_iolog=/x/$ncpus\n", []string{"3 write_iolog write,create /x/$ncpus", "3 write_iolog! variable"}},
		{"logs elsewhere", "[j]\nioengine=null\nwrite_lat_log=/etc/cron.d/x\n", []string{"3 write_lat_log write,create /etc/cron.d/x_lat.1.log", "3 write_lat_log write,create /etc/cron.d/x_slat.1.log", "3 write_lat_log write,create /etc/cron.d/x_clat.1.log"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, touched(parse(t, c.src).Jobs()[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASectionNamedAfterADeviceMayBeTheDevice(t *testing.T) {
	touches, _ := parse(t, "[/dev/sda]\nrw=write\n").Jobs()[0].Touches()
	if touches[0].Path != "/dev/sda" || !touches[0].IfSpecial || !touches[0].Access.Has(Destructive) {
		t.Errorf("%+v", touches)
	}
}

func TestManyFilesAreSummedUpByTheirDirectory(t *testing.T) {
	touches, findings := parse(t, "[j]\nrw=write\ndirectory=/d\nnrfiles=100000\n").Jobs()[0].Touches()
	if len(touches) != 1 || !touches[0].Tree || touches[0].Path != "/d" || len(findings) > 0 {
		t.Errorf("%+v %v", touches, findings)
	}
	_, findings = parse(t, "[j]\nrw=write\nfilename_format=../$filenum\nnrfiles=100000\n").Jobs()[0].Touches()
	if len(findings) != 1 {
		t.Errorf("a format that climbs out of the directory: %v", findings)
	}
}

func TestEveryOptionOfTheTableHasAKnownKindAndEffect(t *testing.T) {
	kinds := "enum string size time range int bool flag floats multi enumsize deprecated"
	effects := " files dirs tree format read write replay device pattern mmapfile state stdfiles log exec engine net system privilege opaque"
	for _, s := range Specs() {
		if !strings.Contains(kinds, string(s.Kind)) || !strings.Contains(effects, string(s.Effect)) {
			t.Errorf("%+v", s)
		}
	}
	if n := len(Specs()); n < 350 {
		t.Errorf("%d options only", n)
	}
}

// Every option that the installed fio lists must be in the table, else a job
// that uses it would be refused as unknown.
func TestTheTableKnowsEveryOptionOfTheInstalledFio(t *testing.T) {
	fio := need(t, "fio", "fio")
	known := func(list, engine string) {
		for line := range strings.Lines(list) {
			name, _, ok := strings.Cut(strings.TrimSpace(line), " ")
			if ok && strings.Contains(line, ":") && Lookup(strings.TrimSuffix(name, ":"), engine) == nil {
				t.Errorf("engine %s: %s is missing", engine, name)
			}
		}
	}
	known(output(t, fio, "--cmdhelp=all"), "psync")
	list := strings.Fields(output(t, fio, "--enghelp"))
	for _, engine := range list[3:] { // behind "Available IO engines:"
		if !KnownEngine(engine) {
			t.Errorf("engine %s is missing", engine)
		}
		if help := output(t, fio, "--enghelp="+engine); !strings.Contains(help, "no options") {
			known(help, engine)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[global]\nfilename=/dev/sda\n[j]\nrw=write ; x\n")
	f.Add("[j]\ninclude inc\nsize=${A}4k\nnrfiles=$ncpus\nfilename_format=$JOBNAME$filenum\n")
	f.Add("[a]\r\nname=b\r\n[global]\nioengine=external:x\n[c]\nwrite_bw_log\n")
	f.Fuzz(func(t *testing.T, src string) {
		cfg := Config{
			Env:  map[string]string{"A": "1;2", "B": "filename="},
			Open: func(string) ([]byte, error) { return []byte("bs=8k\n"), nil },
		}
		Lint("j", []byte(src), cfg)
		parsed, err := Parse("j", []byte(src), cfg)
		if err != nil {
			return
		}
		parsed.Plan()
		for _, j := range parsed.Jobs() {
			for _, g := range j.Footprint() {
				if g.Path == "" && g.Option == "" || g.Files < 0 || g.Users < 1 || g.End(4096) < 4096 {
					t.Fatalf("growth that cannot be: %+v", g)
				}
			}
		}
		before := summary(parsed)
		again, err := Parse("j", parsed.Bytes(), cfg)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%q", err, parsed.Bytes())
		}
		if diff := cmp.Diff(before, summary(again)); diff != "" {
			t.Fatalf("what was written says something else: %s", diff)
		}
		if _, err := parsed.Set("iodepth", "7"); err != nil {
			return
		}
		for _, j := range parsed.Jobs() {
			if j.Value("iodepth") != "7" {
				t.Fatalf("job %q: iodepth=%q", j.Name, j.Value("iodepth"))
			}
		}
	})
}

// summary lists what jobs there are and what they say, without places.
func summary(f *File) []string {
	var out []string
	for _, j := range f.Jobs() {
		out = append(out, "["+j.Name+"]")
		for _, o := range j.Options {
			out = append(out, o.Name+"="+o.Value)
		}
	}
	return out
}

func TestARefusedOptionIsNotWhatIsSuggested(t *testing.T) {
	for option, want := range map[string]string{
		"sqthread_poll=1": "ioengine=io_uring",
		"donorname=x":     "ioengine=e4defrag",
		"iodepht=1":       "did you mean iodepth?",
	} {
		_, findings := parse(t, "[j]\nioengine=libaio\nsize=1m\n"+option+"\n").Jobs()[0].Touches()
		name, _, _ := strings.Cut(option, "=")
		if len(findings) != 1 || !strings.Contains(findings[0].Error(), want) || strings.Contains(findings[0].Error(), "mean "+name) {
			t.Errorf("%s: %v", option, findings)
		}
		_, err := parse(t, "[j]\nioengine=libaio\nsize=1m\n").Set(name, "1")
		if err == nil || strings.Contains(err.Error(), "mean "+name) {
			t.Errorf("%s: %v", option, err)
		}
	}
}
