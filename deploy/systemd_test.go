package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/config"
)

// TestServiceUnit wants the settings of the systemd unit to be real ones, and systemd to understand the unit where it
// is installed.
func TestServiceUnit(t *testing.T) {
	text, err := os.ReadFile("systemd/tsunagi.service")
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if v, ok := strings.CutPrefix(line, "Environment="); ok {
			environ = append(environ, v)
		}
	}
	var s config.Serve
	if _, err := config.Load(&s, nil, environ); err != nil || s.Data != "/var/lib/tsunagi" {
		t.Errorf("settings of the unit: %v, data %q", err, s.Data)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "tsunagi.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(string(text), "/usr/bin/tsunagi", self, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
