package metrics

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	var p Page
	p.Gauge("a", "A thing.", 1.5, "kind", "x\"\\\ny", "other", "z")
	p.Counter("b_total", "Another.", 3)
	p.Gauge("a", "A thing.", 1<<40)
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := "# HELP a A thing.\n# TYPE a gauge\na{kind=\"x\\\"\\\\\\ny\",other=\"z\"} 1.5\na 1099511627776\n# HELP b_total Another.\n# TYPE b_total counter\nb_total 3\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// form is a line of the text format.
var form = regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+]+)$`)

func TestServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(l, func(p *Page) { Process(p, time.Now()) }, func() error { return io.ErrUnexpectedEOF }, slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Stop(t.Context())
	get := func(path, host, origin string) (int, string) {
		r, err := http.NewRequest("GET", "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(b)
	}
	code, text := get("/metrics", "", "")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !form.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
	if code != 200 || !strings.Contains(text, "process_resident_memory_bytes ") || !strings.Contains(text, "process_open_fds ") {
		t.Errorf("%d\n%s", code, text)
	}
	if code, _ := get("/healthz", "", ""); code != 503 {
		t.Errorf("health: %d, want 503", code)
	}
	if code, text := get("/debug/pprof/goroutine?debug=1", "", ""); code != 200 || !strings.Contains(text, "goroutine profile") {
		t.Errorf("profile: %d", code)
	}
	for _, bad := range [][2]string{{"evil.example", ""}, {"evil.example:9090", ""}, {"", "https://evil.example"}, {"8.8.8.8", ""}} {
		if code, _ := get("/metrics", bad[0], bad[1]); code != 403 {
			t.Errorf("Host %q, Origin %q: %d, want 403", bad[0], bad[1], code)
		}
	}
}
