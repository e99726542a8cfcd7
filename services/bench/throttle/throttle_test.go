package throttle

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFailureIsLoggedOnceInAWhileAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Failure
		if f.Recovered() != 0 {
			t.Error("it recovered before it failed")
		}
		lines := 0
		for range 720 { // an hour, tried every five seconds
			if f.ShouldLog() {
				lines++
			}
			time.Sleep(5 * time.Second)
		}
		if lines != 12 {
			t.Errorf("logged %d times in an hour", lines)
		}
		if lasted := f.Recovered(); lasted != time.Hour {
			t.Errorf("it lasted %s", lasted)
		}
		if !f.ShouldLog() {
			t.Error("the next failure is not logged at once")
		}
	})
}
