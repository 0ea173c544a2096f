package conformance

import (
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

func TestCasesAreWellFormed(t *testing.T) {
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	count := map[mqtt.Version]int{}
	for _, c := range cases {
		if len(c.steps) == 0 || seen[c.Name] {
			t.Errorf("%s.txt:%d: %q is empty or comes twice", c.File, c.Line, c.Name)
		}
		seen[c.Name] = true
		for _, v := range c.Versions {
			count[v]++
			checkSteps(t, &c, v)
		}
	}
	t.Logf("%d cases: %d for 3.1.1, %d for 5.0", len(cases), count[mqtt.V311], count[mqtt.V5])
}

// checkSteps builds every packet to be sent, with invented identifiers for those that would come.
func checkSteps(t *testing.T, c *Case, v mqtt.Version) {
	for _, s := range c.steps {
		if s.op != opSend || s.only != 0 && s.only != v {
			continue
		}
		if s.packet == "OPEN" || s.packet == "FRAME" {
			continue
		}
		as, version, other := s.args.without("version")
		if vs, err := versions(version); other && err == nil {
			v = vs[0]
		}
		as, _, _ = as.without("count")
		ids := map[string]uint16{}
		for _, a := range s.args {
			if strings.HasPrefix(a.value, "@") {
				ids[a.value] = 1
			}
		}
		r := &reading{names: &names{prefix: "x", ids: ids}, v: v}
		if b := r.build(s.packet, as); r.err != nil || len(b) == 0 {
			t.Errorf("%s.txt:%d: %v", c.File, s.line, r.err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a > PINGREQ":                            "before the first case",
		"case no colon":                          "want case STATEMENTS",
		"case x: y\nversions 4":                  "want 3.1, 3.1.1 or 5.0",
		"case x: y\na > PINGREK":                 "not known",
		"case x: y\na":                           "want CONNECTION",
		"case x: y\na ? PINGREQ":                 "want >, <",
		"case x: y\na >":                         "packet is missing",
		"case x: y\na > PUBLISH payload=\"x":     "quote is open",
		"case x: y\na > PUBLISH payload=\"\\q\"": "invalid syntax",
	} {
		if _, err := parse("f", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestRaw(t *testing.T) {
	for text, want := range map[string]string{
		"10 ( 'ab' \"c\" 0102 )": "\x10\x07\x00\x02abc\x01\x02",
		"( ( ) ( 00 ) )":         "\x03\x00\x01\x00",
		"'~'":                    "\x00\x01x",
	} {
		r := &reading{names: &names{prefix: "x"}}
		if got := string(r.raw(strings.Fields(text))); got != want || r.err != nil {
			t.Errorf("%s: %x, %v", text, got, r.err)
		}
	}
	for _, text := range []string{")", "(", "zz", "\"a"} {
		r := &reading{names: &names{prefix: "x"}}
		if r.raw([]string{text}); r.err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestKnown(t *testing.T) {
	if _, err := Known("no such list"); err == nil {
		t.Error("a list that does not exist")
	}
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range cases {
		for _, v := range c.Versions {
			names[VersionName(v)+" "+c.Name], names["* "+c.Name] = true, true
		}
	}
	lists, _ := known.ReadDir("known")
	for _, f := range lists {
		list, err := Known(strings.TrimSuffix(f.Name(), ".txt"))
		if err != nil {
			t.Error(err)
		}
		for key := range list {
			if !names[key] {
				t.Errorf("%s: no case has the name %q", f.Name(), key)
			}
		}
	}
}
