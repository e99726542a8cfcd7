// Package plan decides what one invocation will run: the job file as fio gets
// it, with the point of the matrix and the logs in it; the volumes, user and
// limits; and what of the host it may touch, as the guard judges it. It starts
// nothing and changes nothing on the host.
//
// A plan is made once for an attempt (Make) and judged again right before the
// attempt starts (Judge), because other jobs may have used the time in between.
package plan
