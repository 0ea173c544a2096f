package conformance

import (
	"flag"
	"os"
	"slices"
	"testing"

	"tsunagi/internal/mqtt"
)

var writePage = flag.Bool("write-page", false, "write docs/spec.md instead of comparing it")

const pageFile = "../docs/spec.md"

// comparePage wants docs/spec.md to be what the cases and their results make of it.
func comparePage(t *testing.T, rs results) {
	t.Helper()
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	want, err := page(cases, rs)
	if err != nil {
		t.Fatal(err)
	}
	if *writePage {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(pageFile); err != nil || string(got) != want {
		t.Errorf("docs/spec.md is stale (%v): run make conformance", err)
	}
}

// Every statement has a case or a reason, and what the cases name exists.
func TestStatements(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	known := map[mqtt.Version][]string{}
	for _, v := range Standards {
		statements, err := Statements(v)
		if err != nil {
			t.Fatal(err)
		}
		tested := 0
		for i := range statements {
			s := &statements[i]
			if slices.Contains(known[v], s.ID) {
				t.Errorf("%s %s comes twice", VersionName(v), s.ID)
			}
			known[v] = append(known[v], s.ID)
			has := s.refereed(v) || slices.ContainsFunc(cases, func(c Case) bool { return c.about(s, v) })
			switch {
			case !has && s.Reason == "":
				t.Errorf("%s %s has neither a case nor a reason: %s", VersionName(v), s.ID, s.Says)
			case has && s.Reason != "":
				t.Errorf("%s %s has a case and a reason why it has none", VersionName(v), s.ID)
			case has:
				tested++
			}
			if v == mqtt.V311 && s.Same != "" && !slices.Contains(known[mqtt.V5], s.Same) {
				t.Errorf("%s: its counterpart %s does not exist", s.ID, s.Same)
			}
		}
		t.Logf("%s: %d statements, %d with cases", VersionName(v), len(statements), tested)
	}
	for _, c := range cases {
		for _, x := range c.cites() {
			v := mqtt.V5
			if x.v311 {
				v = mqtt.V311
			}
			if !slices.Contains(known[v], x.id) {
				t.Errorf("%s.txt:%d: %s does not exist in %s", c.File, c.Line, x.id, VersionName(v))
			}
		}
	}
	for _, id := range refereeRules {
		if !slices.Contains(known[mqtt.V5], id) {
			t.Errorf("the referee's rule %s does not exist", id)
		}
	}
}
