package network_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"runtime"
	"strings"
	"testing"

	"tsunagi/internal/flow/nodes/network"
)

// TestPackedBodies is attack row 22: a compressed body is inflated up to the bound of bodies and no further, a broken or
// doubly packed one is refused.
func TestPackedBodies(t *testing.T) {
	s := newSite(t, network.WebOptions{MaxBody: 100_000}, echo)
	pack := func(kind, text string) string {
		var b bytes.Buffer
		var z io.WriteCloser = gzip.NewWriter(&b)
		if kind == "deflate" {
			z = zlib.NewWriter(&b)
		}
		_, _ = io.WriteString(z, text)
		_ = z.Close()
		return b.String()
	}
	bomb := `{"a":"` + strings.Repeat("a", 30<<20) + `"}`
	for _, kind := range []string{"gzip", "deflate"} {
		if res, text := s.do("POST", "/p", pack(kind, `{"a":1}`), "Content-Type", "application/json", "Content-Encoding", kind); res.StatusCode != 200 || text != `{"a":1}` {
			t.Errorf("%s: %s %s", kind, res.Status, text)
		}
		packed := pack(kind, bomb)
		if len(packed) > 100_000*10 {
			t.Fatal(len(packed))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if res, _ := s.do("POST", "/p", packed, "Content-Type", "application/json", "Content-Encoding", kind); res.StatusCode != 413 {
			t.Errorf("a bomb of %d bytes with %s: %s", len(packed), kind, res.Status)
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("a bomb with %s: %d bytes were allocated", kind, grown)
		}
		if res, _ := s.do("POST", "/p", pack(kind, pack(kind, `{"a":1}`)), "Content-Type", "application/json", "Content-Encoding", kind+", "+kind); res.StatusCode != 415 {
			t.Errorf("twice %s: %s", kind, res.Status)
		}
		if res, _ := s.do("POST", "/p", pack(kind, `{"a":1}`)[:12], "Content-Type", "application/json", "Content-Encoding", kind); res.StatusCode != 400 {
			t.Errorf("half of %s: %s", kind, res.Status)
		}
	}
}
