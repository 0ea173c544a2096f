// Package metrics writes numbers in the text format of Prometheus, and tells those of this process.
package metrics

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ContentType is that of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Page is one answer to a scrape. Families stand in the order in which they were begun; a label's value never comes
// from a client, so that their number is bounded by the code.
type Page struct {
	order []string
	all   map[string]*strings.Builder
}

// Gauge adds a number that goes up and down. Labels are pairs of name and value.
func (p *Page) Gauge(name, help string, v float64, labels ...string) {
	p.add("gauge", name, help, v, labels)
}

// Counter adds a number that only grows while the process runs; its name ends in _total.
func (p *Page) Counter(name, help string, v float64, labels ...string) {
	p.add("counter", name, help, v, labels)
}

func (p *Page) add(kind, name, help string, v float64, labels []string) {
	b := p.all[name]
	if b == nil {
		if p.all == nil {
			p.all = map[string]*strings.Builder{}
		}
		b = &strings.Builder{}
		p.all[name] = b
		p.order = append(p.order, name)
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		fmt.Fprintf(b, `%s%s="%s"`, sep, labels[i], escape.Replace(labels[i+1]))
	}
	if len(labels) > 1 {
		b.WriteByte('}')
	}
	b.WriteString(" " + number(v) + "\n")
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// WriteTo writes the page.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	var all strings.Builder
	for _, name := range p.order {
		all.WriteString(p.all[name].String())
	}
	n, err := io.WriteString(w, all.String())
	return int64(n), err
}
