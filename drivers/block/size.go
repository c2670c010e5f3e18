package block

import (
	"fmt"
	"math/big"
	"strings"
)

// units of sizes, each 1024 times the one before.
const units = "bkmgtpe"

// ParseSize reads a size with a unit, such as 512M or 1.5g, in bytes.
func ParseSize(s string) (int64, error) {
	if s == "" {
		return 0, fmt.Errorf("there is no size")
	}
	unit := strings.IndexByte(units, strings.ToLower(s)[len(s)-1])
	if unit < 0 {
		return 0, fmt.Errorf("%q has no unit; write %sM or %sG", s, s, s)
	}
	r, ok := new(big.Rat).SetString(s[:len(s)-1])
	if !ok || r.Sign() <= 0 || strings.ContainsAny(s[:len(s)-1], "/eExX") {
		return 0, fmt.Errorf("%q is no size", s)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(10*unit)))) //nolint:gosec // 0 to 60
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%q is no whole number of bytes below 8 EiB", s)
	}
	return r.Num().Int64(), nil
}

// FormatSize writes bytes with the largest unit that divides them: 2G, 1536M.
func FormatSize(n int64) string {
	u := 0
	for n > 0 && n%1024 == 0 && u < len(units)-1 {
		n, u = n/1024, u+1
	}
	return fmt.Sprintf("%d%c", n, strings.ToUpper(units)[u])
}
