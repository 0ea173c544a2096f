package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tsunagi/internal/config"
)

// image is what the last stage of the Containerfile says.
type image struct {
	user, data, volume string
	expose             []string
	base               []string // of all stages
}

func readImage(t *testing.T) (i image) {
	t.Helper()
	text, err := os.ReadFile("../Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := []string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "FROM":
			i = image{base: append(i.base, words[1])}
			if len(words) == 4 {
				stages = append(stages, words[3])
			}
		case "COPY":
			if from, ok := strings.CutPrefix(words[1], "--from="); ok && !slices.Contains(stages, from) {
				t.Errorf("there is no stage %q", from)
			}
		case "USER":
			i.user = words[1]
		case "ENV":
			if v, ok := strings.CutPrefix(words[1], "TSUNAGI_DATA="); ok {
				i.data = v
			}
		case "VOLUME":
			i.volume = words[1]
		case "EXPOSE":
			i.expose = words[1:]
		}
	}
	return i
}

// TestImage wants the image to hold nothing but ours, to run as nobody, to keep its data in its volume and to open the
// ports that are the defaults.
func TestImage(t *testing.T) {
	i := readImage(t)
	if base := i.base[len(i.base)-1]; base != "scratch" {
		t.Errorf("the image is made from %s", base)
	}
	if !regexp.MustCompile(`^[1-9]\d+:[1-9]\d+$`).MatchString(i.user) {
		t.Errorf("it runs as %q: want a number that is not root's, which platforms can check", i.user)
	}
	var s config.Serve
	if _, err := config.Load(&s, nil, []string{"TSUNAGI_DATA=" + i.data}); err != nil || s.Data != i.volume {
		t.Errorf("data %q in volume %q: %v", s.Data, i.volume, err)
	}
	for _, address := range []string{s.HTTPS, s.MQTTS, s.HTTP, s.MQTT} {
		if !slices.Contains(i.expose, strings.TrimPrefix(address, ":")) {
			t.Errorf("%s is not among the ports %v", address, i.expose)
		}
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if want := "golang:" + string(version[1]) + "-bookworm"; !slices.Contains(i.base, want) {
		t.Errorf("it is built by %v, and go.mod wants %s", i.base, want)
	}
}

// TestCompose wants its settings to be real ones and its ports to be those that they open.
func TestCompose(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Build       struct{ Context, Dockerfile string }
			Environment map[string]string
			Ports       []string
			Volumes     []string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			Grace       string   `yaml:"stop_grace_period"`
		}
		Volumes map[string]any
	}
	text, err := os.ReadFile("../compose.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	service := c.Services["tsunagi"]
	if _, err := os.Stat("../" + service.Build.Dockerfile); err != nil {
		t.Error(err)
	}
	variable := regexp.MustCompile(`\$\{(\w+):-([^}]*)\}`)
	var given []string
	values := map[string]string{}
	fill := func(text string) string {
		return variable.ReplaceAllStringFunc(text, func(v string) string {
			m := variable.FindStringSubmatch(v)
			if m[2] == "" && values[m[1]] == "" {
				return ""
			}
			if own := values[m[1]]; own != "" {
				return own
			}
			return m[2]
		})
	}
	for _, values = range []map[string]string{
		nil,
		{"TSUNAGI_DOMAIN": "mqtt.example.org", "TSUNAGI_TLS_ACME": "true", "TSUNAGI_TLS_EMAIL": "a@example.org", "HTTPS_PORT": "443", "HTTP_PORT": "80"},
	} {
		given = nil
		for name, value := range service.Environment {
			given = append(given, name+"="+fill(value))
		}
		var s config.Serve
		if _, err := config.Load(&s, nil, given); err != nil {
			t.Errorf("settings with %v: %v", values, err)
		}
		for _, address := range []string{s.HTTPS, s.MQTTS, s.HTTP, s.MQTT} {
			port := strings.TrimPrefix(address, ":")
			if !slices.ContainsFunc(service.Ports, func(p string) bool { return fill(p) == port+":"+port }) {
				t.Errorf("with %v, port %s is not published under its own number, which links name", values, port)
			}
		}
	}
	if i := readImage(t); !slices.Contains(service.Volumes, "data:"+i.volume) || !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) {
		t.Errorf("volumes %v, read only %v, without %v", service.Volumes, service.ReadOnly, service.CapDrop)
	}
	if _, ok := c.Volumes["data"]; !ok {
		t.Error("its volume is not declared")
	}
}
