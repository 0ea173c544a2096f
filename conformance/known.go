package conformance

import (
	"fmt"
	"strings"
)

// Known reads the list known/<name>.txt of what a broker does otherwise: version and name of a case, and why. Each line
// is "VERSION NAME | why", "*" for all versions. An empty name is an empty list.
func Known(name string) (map[string]string, error) {
	out := map[string]string{}
	if name == "" {
		return out, nil
	}
	text, err := known.ReadFile("known/" + name + ".txt")
	if err != nil {
		return nil, fmt.Errorf("no list of known differences of %q", name)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, why, ok := strings.Cut(line, " | ")
		if !ok {
			return nil, fmt.Errorf("known/%s.txt:%d: want VERSION NAME | why", name, i+1)
		}
		out[key] = why
	}
	return out, nil
}
