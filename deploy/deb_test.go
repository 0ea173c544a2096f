package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tsunagi/internal/config"
)

// TestPackage wants every file of the Debian package to be there, secrets to be the service's alone, and settings to
// survive an upgrade. scripts/deb-test installs it.
func TestPackage(t *testing.T) {
	var pkg struct {
		Contents []struct {
			Src, Dst, Type string
			Info           struct{ Mode uint32 } `yaml:"file_info"`
		}
		Scripts map[string]string
	}
	text, err := os.ReadFile("deb/nfpm.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &pkg)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range pkg.Contents {
		if _, err := os.Stat(filepath.Join("..", c.Src)); err != nil && !strings.HasPrefix(c.Src, "$") {
			t.Errorf("%s: %v", c.Dst, err)
		}
		if settings := strings.HasPrefix(c.Dst, "/etc/"); settings && (c.Type != "config|noreplace" || c.Info.Mode != 0o600) {
			t.Errorf("%s is %q with mode %o: want config|noreplace and 600", c.Dst, c.Type, c.Info.Mode)
		}
	}
	for what, script := range pkg.Scripts {
		if out, err := exec.Command("sh", "-n", filepath.Join("..", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", what, err, out)
		}
	}
}

// TestEnvironment wants what the settings file of the service proposes to be accepted.
func TestEnvironment(t *testing.T) {
	text, err := os.ReadFile("deb/environment")
	if err != nil {
		t.Fatal(err)
	}
	var environ []string
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "#TSUNAGI_"); ok {
			environ = append(environ, "TSUNAGI_"+v)
		} else if !strings.HasPrefix(line, "#") {
			t.Errorf("the file sets something by itself: %q", line)
		}
	}
	if _, err := config.Load(&config.Serve{}, nil, environ); err != nil || len(environ) == 0 {
		t.Errorf("%d settings: %v", len(environ), err)
	}
}

// TestPackageScripts runs them with every command that changes a system replaced by one that only tells.
func TestPackageScripts(t *testing.T) {
	tests := []struct {
		script, args string
		user         bool // there is one
		enabled      bool
		want, not    []string
		says         bool // how to become the owner
	}{
		{"postinst", "configure", false, true, []string{"useradd --system", "enable tsunagi.service"}, nil, true},
		{"postinst", "configure 1.0", true, true, []string{"enable tsunagi.service"}, []string{"useradd"}, false},
		{"postinst", "configure 1.0", true, false, []string{"update-state tsunagi.service"}, []string{"useradd", " enable "}, false},
		{"postrm", "remove", true, true, []string{"mask tsunagi.service"}, []string{"rm ", "userdel"}, false},
		{"postrm", "upgrade 2.0", true, true, nil, []string{"rm ", "userdel", "mask"}, false},
		{"postrm", "purge", true, true, []string{"/var/lib/tsunagi", "/etc/tsunagi", "userdel tsunagi"}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.script+" "+tt.args, func(t *testing.T) {
			bin := t.TempDir()
			for _, name := range []string{"useradd", "userdel", "rm", "install", "systemctl", "deb-systemd-helper", "deb-systemd-invoke", "getent"} {
				answer := "exit 0"
				if name == "getent" && !tt.user || name == "deb-systemd-helper" && !tt.enabled {
					answer = `case "$*" in *was-enabled*|passwd*) exit 1;; esac`
				}
				body := "#!/bin/sh\necho \"$(basename $0) $*\" >> " + bin + "/calls\n" + answer + "\n"
				if err := os.WriteFile(filepath.Join(bin, name), []byte(body), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("sh", append([]string{"deb/" + tt.script}, strings.Fields(tt.args)...)...)
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			calls, _ := os.ReadFile(filepath.Join(bin, "calls"))
			for _, w := range tt.want {
				if !strings.Contains(string(calls), w) {
					t.Errorf("no %q in\n%s", w, calls)
				}
			}
			if i := slices.IndexFunc(tt.not, func(n string) bool { return strings.Contains(string(calls), n) }); i >= 0 {
				t.Errorf("%q in\n%s", tt.not[i], calls)
			}
			if says := strings.Contains(string(out), "admin account link"); says != tt.says {
				t.Errorf("says how to become the owner: %v, want %v", says, tt.says)
			}
		})
	}
}
