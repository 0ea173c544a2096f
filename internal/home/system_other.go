//go:build !linux

package home

import "time"

// Other systems are not asked.
func memory() (own, total, available int64) { return 0, 0, 0 }
func disk(string) (size, free int64)        { return 0, 0 }
func processorTime() time.Duration          { return 0 }
func machine() string                       { return "" }
