package parsers

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tsunagi/internal/flow/value"
)

// maxAliased bounds how many values aliases may make of a text: a short one can stand for
// billions.
const maxAliased = 1_000_000

// ParseYAML reads one document by the rules of js-yaml 4: YAML 1.2, with dates, merged keys
// and binary data.
func ParseYAML(text string) (value.Value, error) {
	d := yaml.NewDecoder(strings.NewReader(text))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		if text == "" {
			return value.Value{}, nil
		}
		return value.Nil(), nil
	} else if err != nil {
		return value.Value{}, err
	}
	if err := d.Decode(&more); err == nil {
		return value.Value{}, errors.New("expected a single document in the stream, but found more")
	} else if !errors.Is(err, io.EOF) {
		return value.Value{}, err
	}
	r := yamlReader{}
	return r.read(&doc, 0)
}

type yamlReader struct{ count int }

func (r *yamlReader) read(n *yaml.Node, depth int) (value.Value, error) {
	if r.count++; r.count > maxAliased || depth > maxNesting {
		return value.Value{}, fmt.Errorf("more than %d values, or nested more than %d deep", maxAliased, maxNesting)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.read(n.Content[0], depth+1)
	case yaml.AliasNode:
		return r.read(n.Alias, depth+1)
	case yaml.SequenceNode:
		l := value.NewList()
		for _, c := range n.Content {
			v, err := r.read(c, depth+1)
			if err != nil {
				return v, err
			}
			l.Append(v)
		}
		return l.Value(), nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	case yaml.ScalarNode:
		return scalar(n)
	}
	return value.Nil(), nil
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) (value.Value, error) {
	o := value.NewMap(len(n.Content) / 2)
	merged := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		v, err := r.read(n.Content[i+1], depth+1)
		if err != nil {
			return v, err
		}
		if k.Value == "<<" && k.Kind == yaml.ScalarNode && k.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 {
			if err := merge(o, v, merged); err != nil {
				return v, err
			}
			continue
		}
		key, err := r.read(k, depth+1)
		if err != nil {
			return key, err
		}
		name := key.Text()
		if o.Has(name) && !merged[name] {
			return v, fmt.Errorf("duplicated mapping key (%d:%d)", k.Line, k.Column)
		}
		delete(merged, name)
		o.Set(name, v)
	}
	return o.Value(), nil
}

// merge puts the keys of other mappings in that are not there.
func merge(o *value.Map, v value.Value, merged map[string]bool) error {
	sources := []value.Value{v}
	if l := v.List(); l != nil {
		sources = sources[:0]
		for _, e := range l.All() {
			sources = append(sources, e)
		}
	}
	for _, s := range sources {
		if s.Map() == nil {
			return errors.New("cannot merge mappings; the provided source object is unacceptable")
		}
		for key, x := range s.Map().All() {
			if !o.Has(key) {
				o.Set(key, x.Clone())
				merged[key] = true
			}
		}
	}
	return nil
}

var (
	yamlInt   = regexp.MustCompile(`^[-+]?(0b[01]+|0x[0-9a-fA-F]+|0o[0-7]+|[0-9]+)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yamlDate  = regexp.MustCompile(`^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$`)
	yamlDay   = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// scalar resolves a scalar: what its tag says, else by its looks if it has no quotes.
func scalar(n *yaml.Node) (value.Value, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.ShortTag() {
		case "!!binary":
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
			return value.Data(data), err
		case "!!str":
			return value.Str(n.Value), nil
		case "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
			v := plain(n.Value)
			if v.Is(value.String) {
				return v, fmt.Errorf("cannot resolve a node with !<tag:yaml.org,2002:%s> explicit tag (%d:%d)", n.ShortTag()[2:], n.Line, n.Column)
			}
			return v, nil
		}
		return value.Value{}, fmt.Errorf("unknown tag !<%s> (%d:%d)", n.Tag, n.Line, n.Column)
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return value.Str(n.Value), nil
	}
	return plain(n.Value), nil
}

// plain resolves a text without quotes.
func plain(s string) value.Value {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return value.Nil()
	case "true", "True", "TRUE":
		return value.Of(true)
	case "false", "False", "FALSE":
		return value.Of(false)
	}
	switch c := s[0]; {
	case !digit(c) && c != '-' && c != '+' && c != '.':
		return value.Str(s)
	case yamlInt.MatchString(s):
		return yamlNumber(s)
	case yamlFloat.MatchString(s):
		return yamlNumber(s)
	case yamlDay.MatchString(s), len(s) > 10 && yamlDate.MatchString(s):
		return yamlTime(s)
	}
	return value.Str(s)
}

func yamlNumber(s string) value.Value {
	s = strings.ToLower(s)
	sign := 1.0
	if s[0] == '-' {
		sign = -1
	}
	s = strings.TrimLeft(s, "+-")
	switch {
	case s == ".inf":
		return value.Num(math.Inf(int(sign)))
	case s == ".nan":
		return value.Num(math.NaN())
	case len(s) > 2 && s[0] == '0' && strings.ContainsRune("box", rune(s[1])):
		return value.Num(sign * value.ParseNumber(s))
	}
	f, _ := strconv.ParseFloat(s, 64) // the pattern has matched; too large is infinite
	return value.Num(sign * f)
}

func yamlTime(s string) value.Value {
	m := yamlDate.FindStringSubmatch(s)
	n := func(i int) int { f, _ := strconv.Atoi(m[i]); return f }
	ms := (m[7] + "000")[:3]
	fraction, _ := strconv.Atoi(ms)
	t := time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), fraction*int(time.Millisecond), time.UTC)
	if m[9] != "" {
		off := time.Duration(n(10))*time.Hour + time.Duration(n(11))*time.Minute
		if m[9] == "-" {
			off = -off
		}
		t = t.Add(-off)
	}
	return value.Time(t)
}
