// Package place decides who measures a bench. It is pure: the same request and
// the same fleet give the same decision, and nothing is asked or told on the
// way.
//
// Targets become slots. A slot is one list of runs, and one host works through
// it in order:
//
//	hosts   one slot for each name; a host that is absent is waited for
//	group   one slot for each live host of the inventory's group
//	pool    one slot that any worker of the pool may take; with slots: N the
//	        points are dealt out over N slots; with count, named hosts of the
//	        pool instead
//	(none)  with count, named hosts out of all; or else one slot of the pool
//	        "default"
//
// A host that doesn't meet the constraints is left out, and the decision says
// why. When nobody is left, the error says who missed by the least.
//
// Within a slot, every point is measured once before any is measured again:
// what drifts on a host (temperature, wear, neighbours) then meets all points
// alike, so that they can be compared. A bench that confirms another names its
// samples, the two sides of a point one after the other, and gets them in that
// order in each repeat: before, after, before, after.
package place
