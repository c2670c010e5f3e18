package lvm

import (
	"fmt"
	"math/big"
	"strings"
)

// parseSize reads a size as lvcreate(8) does: a number with a unit of 1024, capital or small; megabytes without one; s are sectors of 512
// bytes. It gives bytes, rounded up.
func parseSize(s string) (int64, error) {
	units := map[byte]int64{'b': 1, 's': 512, 'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30, 't': 1 << 40, 'p': 1 << 50, 'e': 1 << 60}
	if s == "" {
		return 0, fmt.Errorf("there is no size")
	}
	number, unit := s, int64(1<<20)
	if u, ok := units[strings.ToLower(s)[len(s)-1]]; ok {
		number, unit = s[:len(s)-1], u
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok || r.Sign() <= 0 || strings.ContainsAny(number, "/eExX") {
		return 0, fmt.Errorf("%q is no size", s)
	}
	r.Mul(r, new(big.Rat).SetInt64(unit))
	n := new(big.Int).Add(r.Num(), new(big.Int).Sub(r.Denom(), big.NewInt(1)))
	n.Quo(n, r.Denom())
	if !n.IsInt64() {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n.Int64(), nil
}

// formatSize writes bytes with the largest unit that divides them.
func formatSize(n int64) string {
	for _, u := range []struct {
		unit string
		size int64
	}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d%s", n/u.size, u.unit)
		}
	}
	return fmt.Sprintf("%db", n)
}

// extents is how many extents of a size a number of bytes takes, rounded up as lvcreate does.
func extents(bytes, size int64) int64 {
	if size <= 0 {
		size = 4 << 20
	}
	return (bytes + size - 1) / size
}
