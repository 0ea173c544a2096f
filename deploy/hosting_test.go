package deploy

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"

	"tsunagi/internal/config"
)

// health is the path of the one-port mode that anybody may ask; internal/front answers it.
const health = "/healthz"

// onePort loads settings as a hosting platform gives them, and wants the one-port mode behind known proxies.
func onePort(t *testing.T, environ []string) (s config.Serve) {
	t.Helper()
	if _, err := config.Load(&s, nil, environ); err != nil {
		t.Fatal(err)
	}
	if !s.BehindProxy || len(s.ForwardedFrom) == 0 || !strings.Contains(s.Domain, ".") {
		t.Errorf("one-port mode %v, proxies %v, domain %q", s.BehindProxy, s.ForwardedFrom, s.Domain)
	}
	return s
}

// below says whether the data directory is a folder of the disk: the disk's own root belongs to its file system.
func below(t *testing.T, data, mount string) {
	t.Helper()
	if path.Dir(data) != mount {
		t.Errorf("data is in %s: want a folder in the mounted %s", data, mount)
	}
}

func TestRender(t *testing.T) {
	var r struct {
		Services []struct {
			Type, Name, Runtime, Plan string
			Dockerfile                string `yaml:"dockerfilePath"`
			Instances                 int    `yaml:"numInstances"`
			Health                    string `yaml:"healthCheckPath"`
			Delay                     int    `yaml:"maxShutdownDelaySeconds"`
			Disk                      struct {
				Name, Path string
				MountPath  string `yaml:"mountPath"`
				SizeGB     int    `yaml:"sizeGB"`
			}
			EnvVars []struct{ Key, Value string } `yaml:"envVars"`
		}
	}
	f, err := os.Open("../render.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known := yaml.NewDecoder(f)
	known.KnownFields(true)
	if err := known.Decode(&r); err != nil || len(r.Services) != 1 {
		t.Fatalf("%d services, %v", len(r.Services), err)
	}
	service := r.Services[0]
	environ := []string{"RENDER_EXTERNAL_HOSTNAME=tsunagi.onrender.example"}
	for _, e := range service.EnvVars {
		environ = append(environ, e.Key+"="+e.Value)
	}
	s := onePort(t, environ)
	below(t, s.Data, service.Disk.MountPath)
	if service.Type != "web" || service.Runtime != "docker" || service.Health != health || service.Instances != 1 || service.Delay < 30 || service.Delay > 300 || service.Disk.SizeGB < 1 {
		t.Errorf("%+v", service)
	}
	if _, err := os.Stat(path.Join("..", service.Dockerfile)); err != nil {
		t.Error(err)
	}
}

func TestFly(t *testing.T) {
	type port struct{ Port int }
	var f struct {
		App    string
		Region string `toml:"primary_region"`
		Signal string `toml:"kill_signal"`
		Kill   string `toml:"kill_timeout"`
		Build  struct{ Dockerfile string }
		Env    map[string]string
		Mounts struct {
			Source, Destination string
			Size                string `toml:"initial_size"`
		}
		HTTP struct {
			Port   int    `toml:"internal_port"`
			Force  bool   `toml:"force_https"`
			Stop   string `toml:"auto_stop_machines"`
			Start  bool   `toml:"auto_start_machines"`
			Least  int    `toml:"min_machines_running"`
			Checks []struct {
				Method, Path, Interval, Timeout string
				Grace                           string `toml:"grace_period"`
			}
		} `toml:"http_service"`
		Services []struct {
			Protocol string
			Port     int `toml:"internal_port"`
			Ports    []port
		}
		VM []struct{ Size, Memory string }
	}
	known, err := toml.DecodeFile("../fly.toml", &f)
	if err != nil || len(known.Undecoded()) > 0 {
		t.Fatalf("%v, unknown %v", err, known.Undecoded())
	}
	var environ []string
	for name, value := range f.Env {
		environ = append(environ, name+"="+value)
	}
	s := onePort(t, environ)
	below(t, s.Data, f.Mounts.Destination)
	if s.HTTP != ":"+f.Env["PORT"] || f.Env["PORT"] != strconv.Itoa(f.HTTP.Port) || len(f.HTTP.Checks) != 1 || f.HTTP.Checks[0].Path != health {
		t.Errorf("http on %s, the platform asks %+v", s.HTTP, f.HTTP)
	}
	if len(f.Services) != 1 || s.MQTTS != ":"+strconv.Itoa(f.Services[0].Port) {
		t.Errorf("mqtts on %s, the platform hands over %+v", s.MQTTS, f.Services)
	}
	// A broker that is put to sleep loses its clients.
	if f.HTTP.Stop != "off" || f.HTTP.Least != 1 {
		t.Errorf("the platform may stop it: %+v", f.HTTP)
	}
	if _, err := os.Stat(path.Join("..", f.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
}

// TestHeroku wants the button's settings to start what its dynos can run: a platform whose disk vanishes.
func TestHeroku(t *testing.T) {
	var app struct {
		Name, Description, Stack string
		Keywords                 []string
		Success                  string `json:"success_url"`
		Formation                map[string]struct {
			Quantity int
			Size     string
		}
		Addons []struct{ Plan string }
		Env    map[string]struct {
			Description, Value, Generator string
			Required                      bool
		}
	}
	text, err := os.ReadFile("../app.json")
	if err != nil {
		t.Fatal(err)
	}
	known := json.NewDecoder(bytes.NewReader(text))
	known.DisallowUnknownFields()
	if err := known.Decode(&app); err != nil {
		t.Fatal(err)
	}
	environ := []string{"PORT=12345"}
	for name, e := range app.Env {
		value := e.Value
		switch {
		case e.Generator == "secret":
			value = strings.Repeat("0123456789abcdef", 4) // 64 digits, as the platform makes them
		case name == "TSUNAGI_DOMAIN" && e.Required:
			value = "tsunagi.herokuapp.example"
		}
		if e.Description == "" || value == "" {
			t.Errorf("%s: %+v", name, e)
		}
		environ = append(environ, name+"="+value)
	}
	if len(app.Addons) != 1 || !strings.HasPrefix(app.Addons[0].Plan, "heroku-postgresql:") {
		t.Errorf("add-ons %+v", app.Addons)
	}
	environ = append(environ, "DATABASE_URL=postgres://u:p@ec2.example/d") // what that add-on sets
	if s := onePort(t, environ); s.Store.Disk != config.Vanishes || s.Plans[0].Durability != config.Fast {
		t.Errorf("disk %s, plan %s", s.Store.Disk, s.Plans[0].Durability)
	}
	if app.Stack != "container" || app.Formation["web"].Quantity != 1 {
		t.Errorf("stack %s, formation %+v", app.Stack, app.Formation)
	}
	var manifest struct {
		Build struct{ Docker map[string]string }
		Run   map[string]string
	}
	text, err = os.ReadFile("../heroku.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../" + manifest.Build.Docker["web"]); err != nil || manifest.Run["web"] != "/usr/bin/tsunagi serve" {
		t.Errorf("%+v, %v", manifest, err)
	}
	if text, err := os.ReadFile("../Procfile"); err != nil || string(text) != "web: bin/tsunagi serve\n" {
		t.Errorf("Procfile %q, %v", text, err)
	}
}
