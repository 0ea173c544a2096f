package conformance

import (
	"flag"
	"os"
	"testing"
)

// Cases wait for the broker far more than they compute: many run at a time unless -parallel says otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "24")
	}
	os.Exit(m.Run())
}
