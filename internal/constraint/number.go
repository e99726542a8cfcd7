package constraint

import (
	"math"
	"strconv"
	"strings"
)

// units are powers of ten or of two, in bytes, as elsewhere in fiord: a bare
// letter is a power of ten.
var units = map[string]float64{
	"": 1, "%": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20,
	"g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40,
	"p": 1e15, "pb": 1e15, "pi": 1 << 50, "pib": 1 << 50,
}

// parseNumber reads a decimal number with an optional unit: 25, 07, -1.5,
// 8GiB, "7.65 GiB", 12%.
func parseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	end := len(s)
	for end > 0 && !isDigit(s[end-1]) && s[end-1] != '.' {
		end--
	}
	unit, known := units[strings.ToLower(strings.TrimSpace(s[end:]))]
	if !known || !isDecimal(s[:end]) {
		return 0, false
	}
	n, err := strconv.ParseFloat(s[:end], 64)
	if err != nil || math.IsInf(n*unit, 0) {
		return 0, false
	}
	return n * unit, true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// isDecimal keeps out what ParseFloat takes beyond decimals: 1e5, 0x10, inf,
// nan, 1_000. A kernel named 6.1e is no number.
func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") <= 1 && s != "."
}
