package hoststat

// numbers reads unsigned decimals separated by spaces into out, and returns
// how many it found before the line ended or something else came.
func numbers(line []byte, out []float64) int {
	i := 0
	for n := range out {
		for i < len(line) && line[i] == ' ' {
			i++
		}
		begin, v := i, 0.0
		for i < len(line) && line[i] >= '0' && line[i] <= '9' {
			v = v*10 + float64(line[i]-'0')
			i++
		}
		if i == begin {
			return n
		}
		out[n] = v //nolint:gosec // n ranges over out
	}
	return len(out)
}

// skipFields returns the line after n fields and the spaces behind them.
func skipFields(line []byte, n int) []byte {
	skip := func(space bool) {
		for len(line) > 0 && (line[0] == ' ') == space {
			line = line[1:]
		}
	}
	for skip(true); n > 0; n-- {
		skip(false)
		skip(true)
	}
	return line
}
