package config

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestRanges is attack row 33: every number and time of the settings has a range, and a clear refusal beyond it.
func TestRanges(t *testing.T) {
	for _, s := range settings(&Serve{}) {
		if s.file {
			continue
		}
		var bad []string
		switch {
		case s.value.Type() == durationType:
			bad = []string{"0s", "-1s", "2540400h"}
		case s.value.CanInt():
			bad = []string{"0", "-1", "9223372036854775807"}
		default:
			continue
		}
		for _, v := range bad {
			var c Serve
			args := []string{"--" + s.flag() + "=" + v}
			if strings.HasPrefix(s.key, "smtp.") {
				args = append(args, "--smtp-host=mail.example.org", "--smtp-from=a@example.org")
			}
			_, err := Load(&c, args, nil)
			if err == nil || !strings.Contains(err.Error(), s.key) || !strings.Contains(err.Error(), "want") {
				t.Errorf("%s = %s: %v; want a refusal that names it and says what is wanted", s.key, v, err)
			}
		}
	}
}

// TestPlanRanges is attack row 33: so has every number of a plan, whatever is added to it.
func TestPlanRanges(t *testing.T) {
	fields := reflect.TypeFor[Plan]()
	for i := range fields.NumField() {
		if fields.Field(i).Type.Kind() != reflect.Int {
			continue
		}
		for _, n := range []int64{-1, math.MaxInt64, math.MinInt64} {
			p := DefaultPlans[0]
			reflect.ValueOf(&p).Elem().Field(i).SetInt(n)
			s := Serve{Plans: []Plan{p}}
			key := fields.Field(i).Tag.Get("toml")
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "want") {
				t.Errorf("%s = %d: %v; want a refusal that names it and says what is wanted", key, n, err)
			}
		}
	}
}

func TestNetworks(t *testing.T) {
	good, err := Networks([]string{"10.0.0.1", "10.1.2.3/8", "fd00::/8", "::1", "::ffff:192.0.2.1"})
	if err != nil || len(good) != 5 || good[1].String() != "10.0.0.0/8" || good[4].String() != "192.0.2.1/32" {
		t.Errorf("%v, %v", good, err)
	}
	for _, bad := range []string{"", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "10.0.0.0/33", "10.0.0", "example.org", "10.0.0.1:80"} {
		if got, err := Networks([]string{bad}); err == nil {
			t.Errorf("%q became %v", bad, got)
		}
	}
	for _, args := range [][]string{{"--proxy-from", "0.0.0.0/0"}, {"--fetch-allow", "x"}, {"--metrics", ":9090"}, {"--metrics", "192.0.2.1:9090"}, {"--dev", "--proxy-from", "10.0.0.1"}} {
		var s Serve
		if _, err := Load(&s, args, nil); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// FuzzLoad reads settings files: whatever they hold, the answer is settings that can be used or an error.
func FuzzLoad(f *testing.F) {
	f.Add("https = \":1001\"\n[connect]\npatience = \"20s\"\nper_address = 0\n[[regions]]\nid = \"tokyo\"\nname = \"Tokyo\"\n")
	f.Add("proxy_from = [\"10.0.0.0/8\"]\nmetrics = \"127.0.0.1:9090\"\n[[plans]]\nid = \"a\"\nname = \"A\"\ndefault = true\nmax_packet = -1\n")
	f.Add("[log]\nlevel = 5\n[store]\nreserve_mb = -9223372036854775808\n")
	f.Add("dev = true\nconnect = \"x\"\n[tls]\ncert = \"/\"\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "settings.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var s Serve
		if _, err := Load(&s, []string{"--config", file}, nil); err != nil {
			return
		}
		if s.Connect.Patience <= 0 || s.Connect.PerAddress < 1 || s.Connect.Waiting < 1 || s.Store.ReserveMB < 1 || len(s.Plans) == 0 || len(s.Regions) == 0 {
			t.Fatalf("accepted: %+v", s)
		}
		for _, p := range s.Plans {
			if p.MaxPacket < 0 || p.Connections < 0 || p.QueueBytes < 0 {
				t.Fatalf("accepted: %+v", p)
			}
		}
	})
}
