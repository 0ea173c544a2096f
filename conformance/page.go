package conformance

import (
	"fmt"
	"slices"
	"strings"

	"tsunagi/internal/mqtt"
)

// Result is how a case has ended in one version, over all ways in which it was run.
type Result string

// The results.
const (
	Passed     Result = "passed"
	NotOffered Result = "not offered"
	Differs    Result = "known difference"
	Failed     Result = "failed"
)

// results are kept by version and name.
type results map[string]Result

func resultKey(c *Case, v mqtt.Version) string { return VersionName(v) + " " + c.Name }

// add notes a result; of several the worst counts.
func (rs results) add(c *Case, v mqtt.Version, r Result) {
	order := []Result{NotOffered, Passed, Differs, Failed}
	key := resultKey(c, v)
	if slices.Index(order, r) >= slices.Index(order, rs[key]) {
		rs[key] = r
	}
}

// page is docs/spec.md: statement, cases, result.
func page(cases []Case, rs results) (string, error) {
	var b strings.Builder
	b.WriteString("# MQTT, statement by statement\n\n" +
		"Written by `make conformance`; a test fails when it is stale. What the cases do stands in " +
		"[conformance](../conformance/README.md).\n")
	for _, v := range Standards {
		if err := standard(&b, v, cases, rs); err != nil {
			return "", err
		}
	}
	others(&b, cases, rs)
	return b.String(), nil
}

func standard(b *strings.Builder, v mqtt.Version, cases []Case, rs results) error {
	statements, err := Statements(v)
	if err != nil {
		return err
	}
	var rows strings.Builder
	tested, reasoned := 0, 0
	for i := range statements {
		s := &statements[i]
		how, result := s.Reason, "–"
		if s.Reason != "" {
			reasoned++
		} else {
			tested++
			how, result = evidence(s, v, cases, rs)
		}
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", s.ID, cell(s.Says), how, result)
	}
	fmt.Fprintf(b, "\n## MQTT %s\n\n%d statements: %d have cases, %d a reason why not.\n\n", VersionName(v), len(statements), tested, reasoned)
	b.WriteString("| statement | in our words | cases, or why not | result |\n|---|---|---|---|\n" + rows.String())
	return nil
}

// evidence are the cases of a statement with the worst of their results.
func evidence(s *Statement, v mqtt.Version, cases []Case, rs results) (how, result string) {
	var lines []string
	worst := results{}
	one := &Case{}
	for i := range cases {
		if c := &cases[i]; c.about(s, v) {
			_, words, _ := strings.Cut(c.Name, ": ")
			lines = append(lines, fmt.Sprintf("%s: %s", c.File, cell(words)))
			worst.add(one, v, rs[resultKey(c, v)])
		}
	}
	if s.refereed(v) {
		lines = append(lines, "*every packet in every case*")
		worst.add(one, v, Passed)
	}
	return strings.Join(lines, "<br>"), string(worst[resultKey(one, v)])
}

// others lists the cases of sections without statement numbers, and those of 3.1.
func others(b *strings.Builder, cases []Case, rs results) {
	b.WriteString("\n## Beyond the numbered statements\n\n| section | case | versions | result |\n|---|---|---|---|\n")
	var old strings.Builder
	n := 0
	for i := range cases {
		c := &cases[i]
		head, words, _ := strings.Cut(c.Name, ": ")
		if c.speaks(mqtt.V31) {
			n++
		}
		if len(c.Versions) == 1 && c.speaks(mqtt.V31) {
			fmt.Fprintf(&old, "| %s | %s | %s |\n", c.File, cell(words), rs[resultKey(c, mqtt.V31)])
			continue
		}
		if len(c.cites()) > 0 {
			continue
		}
		var vs []string
		worst := results{}
		one := &Case{}
		for _, v := range c.Versions {
			vs = append(vs, VersionName(v))
			worst.add(one, 0, rs[resultKey(c, v)])
		}
		fmt.Fprintf(b, "| %s | %s: %s | %s | %s |\n", head, c.File, cell(words), strings.Join(vs, ", "), worst[resultKey(one, 0)])
	}
	fmt.Fprintf(b, "\n## MQTT 3.1\n\nIts text has no statement numbers. %d of the cases above run in 3.1, too; these are for it alone:\n\n"+
		"| file | case | result |\n|---|---|---|\n%s", n, old.String())
}

// cell is a text that doesn't break a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*", "_", "\\_").Replace(s)
}
