package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestAttackTable reads docs/attacks.md: every row that belongs to the broker's side has tests, and those exist.
func TestAttackTable(t *testing.T) {
	raw, err := os.ReadFile("../../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]int{} // how many tests each has
	for line := range strings.SplitSeq(string(raw), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		row, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue
		}
		for part := range strings.SplitSeq(cells[4], "<br>") {
			_, rest, _ := strings.Cut(part, "`")
			dir, names, ok := strings.Cut(rest, "`")
			if !ok || len(strings.Fields(names)) == 0 {
				t.Errorf("row %d: %q is no package with its tests", row, part)
			}
			have := testsOf(t, dir)
			for _, name := range strings.Fields(names) {
				rows[row]++
				if !have[name] {
					t.Errorf("row %d: %s has no test %s", row, dir, name)
				}
			}
		}
	}
	for _, r := range [][2]int{{1, 24}, {27, 35}} {
		for n := r[0]; n <= r[1]; n++ {
			if rows[n] == 0 {
				t.Errorf("row %d has no test", n)
			}
		}
	}
}

var testNames = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(\w+ \*testing\.[TF]\)`)

func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testNames.FindAllStringSubmatch(string(text), -1) {
			have[m[1]] = true
		}
	}
	return have
}
