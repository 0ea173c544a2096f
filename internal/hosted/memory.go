package hosted

import (
	"strconv"
	"strings"
)

// parseMemory adds up what /proc/<pid>/status says of memory that isn't backed by files, swapped out or not, in bytes.
func parseMemory(status string) (sum int64) {
	for line := range strings.Lines(status) {
		name, rest, _ := strings.Cut(line, ":")
		switch name {
		case "RssAnon", "RssShmem", "VmSwap":
			if f := strings.Fields(rest); len(f) == 2 && f[1] == "kB" {
				n, err := strconv.ParseInt(f[0], 10, 64)
				if err == nil {
					sum += n << 10
				}
			}
		}
	}
	return sum
}
