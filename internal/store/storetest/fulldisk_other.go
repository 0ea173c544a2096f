//go:build !linux

package storetest

import "testing"

// SmallDisk mounts a file system of some MiB that goes with the test, or skips the test where that isn't allowed.
func SmallDisk(t testing.TB, _ int) string {
	t.Helper()
	t.Skip("skipped: mounting a small disk needs Linux")
	return ""
}

func fullDisk(t *testing.T, _ Engine) { SmallDisk(t, 0) }
