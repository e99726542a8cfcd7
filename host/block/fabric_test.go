package block_test

import (
	"testing"

	"github.com/fiord-bench/fiord/host/block/blocktest"
)

func TestDisksOfANetworkAreToldFromThoseOfTheHost(t *testing.T) {
	s := blocktest.Open(t, "testdata/san.tree")
	for name, want := range map[string]string{
		"nvme0n1": "", "sdb": "iscsi", "sdb1": "iscsi", "sdc": "fc", "nvme1n1": "nvme-tcp", "rbd0": "rbd",
	} {
		d, err := s.Device(name)
		if err != nil || d.Fabric != want {
			t.Errorf("%s is reached by %q, %v; want %q", name, d.Fabric, err, want)
		}
	}
	server := blocktest.Open(t, "testdata/server.tree")
	all, err := server.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Fabric != "" {
			t.Errorf("%s of a server without a storage network is reached by %q", d.Name, d.Fabric)
		}
	}
}
