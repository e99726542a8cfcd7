// Package archive keeps what plot remembers of benches in the store, so that it
// outlives the stream: every event, the decision about each bench, and the history
// of the benches of one name.
//
// Events lie below archive/<bench>/. Their names follow from what an event is, so
// that one can be found without a list:
//
//	requested  placed  ended  cancel.<event>  baseline.<event>
//	<run>.started.<attempt>  <run>.ended  <run>.plots
//
// and archive/runs/<run> points from a run to its bench. Decisions are
// reports/<bench>/verdict.json, histories archive/history/<id>.json. All but the
// histories are written once.
//
// A bench is read from the page's model if it is in memory there, and from its
// events otherwise.
package archive
