package facts

import (
	"regexp"
	"strings"
)

// modelLine is how x86, POWER and some boards name their processor.
var modelLine = regexp.MustCompile(`(?m)^(?:model name|Model|cpu)\s*:\s*(.+)$`)

// armLine are the registers that the kernel shows where there is no name.
var armLine = regexp.MustCompile(`(?m)^CPU (implementer|part)\s*:\s*(0x[0-9a-f]+)$`)

// armCores are the server cores among them, by implementer and part.
var armCores = map[string]string{
	"0x41 0xd08": "Cortex-A72", "0x41 0xd0c": "Neoverse-N1", "0x41 0xd40": "Neoverse-V1", "0x41 0xd49": "Neoverse-N2",
	"0x41 0xd4f": "Neoverse-V2", "0x41 0xd8e": "Neoverse-N3", "0x41 0xd84": "Neoverse-V3", "0x43 0x0af": "ThunderX2",
	"0x46 0x001": "A64FX", "0x48 0xd01": "Kunpeng-920", "0xc0 0xac3": "Ampere-1", "0xc0 0xac4": "Ampere-1A",
}

// cpuModel names the processor. ARM's kernels show numbers: those that are not
// known are given as they are.
func (h Host) cpuModel() string {
	info := h.text("proc/cpuinfo")
	if m := modelLine.FindStringSubmatch(info); m != nil {
		return strings.TrimSpace(m[1])
	}
	registers := map[string]string{}
	for _, m := range armLine.FindAllStringSubmatch(info, 2) {
		registers[m[1]] = m[2]
	}
	if len(registers) == 0 {
		return ""
	}
	id := registers["implementer"] + " " + registers["part"]
	if name := armCores[id]; name != "" {
		return name
	}
	return "ARM " + id
}
