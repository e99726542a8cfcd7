// Package deploy tests what stands in the folder deploy: that its manifests say
// what the programs understand, and that fiord runs through where it is run from
// them, on real servers.
package deploy
