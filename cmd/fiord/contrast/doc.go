// Package contrast compares samples of results without a server: two of them as
// a bench and its baseline, or a history of sessions with its level. It is the
// code of the verdict module, with tables around it.
package contrast
