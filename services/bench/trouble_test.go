package bench

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTroubleIsToldOnceInAWhileAndWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr trouble
		if tr.over() != 0 {
			t.Error("it was over before it began")
		}
		lines := 0
		for range 720 { // an hour, tried every five seconds
			if tr.told() {
				lines++
			}
			time.Sleep(5 * time.Second)
		}
		if lines != 12 {
			t.Errorf("told %d times in an hour", lines)
		}
		if lasted := tr.over(); lasted != time.Hour {
			t.Errorf("it lasted %s", lasted)
		}
		if !tr.told() {
			t.Error("the next trouble is not told at once")
		}
	})
}
