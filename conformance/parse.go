package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/mqtt"
)

// arg is key=value, or a flag: key alone.
type arg struct {
	key, value string
	flag       bool
}

type args []arg

// parse reads the cases of one file.
func parse(file, text string) ([]Case, error) {
	var out []Case
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fail := func(err error) error { return fmt.Errorf("%s.txt:%d: %w", file, i+1, err) }
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "case":
			if !strings.Contains(rest, ": ") {
				return nil, fail(fmt.Errorf("want case STATEMENTS: what is checked"))
			}
			out = append(out, Case{File: file, Line: i + 1, Name: rest, Versions: []mqtt.Version{mqtt.V311, mqtt.V5}})
		case len(out) == 0:
			return nil, fail(fmt.Errorf("a step before the first case"))
		case word == "versions":
			vs, err := versions(rest)
			if err != nil {
				return nil, fail(err)
			}
			out[len(out)-1].Versions, out[len(out)-1].listed = vs, true
		case word == "needs":
			for _, n := range strings.Fields(rest) {
				if _, ok := offers[n]; !ok && !slices.Contains(abilities, n) {
					return nil, fail(fmt.Errorf("needs %q: not known", n))
				}
			}
			out[len(out)-1].needs = strings.Fields(rest)
		case word == "covers":
			c := &out[len(out)-1]
			c.covers = append(c.covers, strings.Split(rest, ", ")...)
		default:
			c := &out[len(out)-1]
			for _, line := range expand(line) {
				s, err := parseStep(line)
				if err != nil {
					return nil, fail(err)
				}
				s.line = i + 1
				c.steps = append(c.steps, s)
			}
		}
	}
	for i := range out {
		out[i].addOld()
	}
	return out, nil
}

// expand writes the short forms out: "s joins", "s stays" and "s returns" connect, with options of CONNECT behind them,
// "s leaves" disconnects.
func expand(line string) []string {
	who, rest, _ := strings.Cut(line, " ")
	word, options, _ := strings.Cut(rest, " ")
	switch word {
	case "joins":
		return []string{who + " > CONNECT id=~" + who + " clean " + options, who + " < CONNACK session-present=false"}
	case "stays":
		return []string{who + " > CONNECT id=~" + who + " session=60 " + options, who + " < CONNACK session-present=false"}
	case "returns":
		return []string{who + " > CONNECT id=~" + who + " session=60 " + options, who + " < CONNACK session-present=true"}
	case "leaves":
		return []string{who + " > DISCONNECT", who + " < CLOSE"}
	}
	return []string{line}
}

// addOld has a case without a line "versions" run in 3.1, too, unless it sends raw bytes, which differ there.
func (c *Case) addOld() {
	if c.listed || slices.ContainsFunc(c.steps, func(s step) bool { return s.packet == "HEX" && s.only != mqtt.V5 }) {
		return
	}
	for i := range c.steps {
		s := &c.steps[i]
		for _, a := range s.args {
			if s.packet == "CONNECT" && s.only != mqtt.V5 && a.key == "id" && a.value == "" {
				return // which 3.1 does not know
			}
		}
	}
	c.Versions = append([]mqtt.Version{mqtt.V31}, c.Versions...)
}

func versions(list string) ([]mqtt.Version, error) {
	var vs []mqtt.Version
	for _, f := range strings.Fields(list) {
		v, ok := map[string]mqtt.Version{"3.1": mqtt.V31, "3.1.1": mqtt.V311, "5.0": mqtt.V5}[f]
		if !ok {
			return nil, fmt.Errorf("version %q: want 3.1, 3.1.1 or 5.0", f)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// parseStep reads one line, such as "a > PUBLISH topic=~/t qos=1 id=1" or "5: b < CLOSE code=0x82".
func parseStep(line string) (step, error) {
	var s step
	switch {
	case strings.HasPrefix(line, "5: "):
		s.only, line = mqtt.V5, line[3:]
	case strings.HasPrefix(line, "3: "):
		s.only, line = mqtt.V311, line[3:]
	}
	words, err := split(line)
	if err != nil {
		return s, err
	}
	if len(words) == 2 && words[0] == "pause" {
		s.op, s.args = opPause, args{{key: "for", value: words[1]}}
		return s, nil
	}
	if len(words) < 2 {
		return s, fmt.Errorf("%q: want CONNECTION > PACKET …, CONNECTION < PACKET …, CONNECTION drop or pause TIME", line)
	}
	s.conn = words[0]
	var ok bool
	if s.op, ok = map[string]op{">": opSend, "<": opExpect, "<*": opExpectAny, "drop": opDrop}[words[1]]; !ok {
		return s, fmt.Errorf("%q: want >, <, <* or drop", words[1])
	}
	if s.op == opDrop {
		return s, nil
	}
	if len(words) < 3 {
		return s, fmt.Errorf("the packet is missing")
	}
	s.packet = words[2]
	if !slices.Contains(packets, s.packet) {
		return s, fmt.Errorf("packet %q is not known", s.packet)
	}
	for _, w := range words[3:] {
		key, value, has := strings.Cut(w, "=")
		if s.packet == "HEX" || s.packet == "FRAME" {
			key, value, has = w, "", false
		} else if has && strings.HasPrefix(value, `"`) {
			if value, err = strconv.Unquote(value); err != nil {
				return s, fmt.Errorf("%s: %w", w, err)
			}
		}
		s.args = append(s.args, arg{key, value, !has})
	}
	return s, nil
}

var packets = []string{"CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
	"UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH", "HEX", "CLOSE", "NOTHING", "OPEN", "OPENED", "FRAME"}

// split cuts a line into words; double quotes hold a word together.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quoted && i+1 < len(line):
			word.WriteByte(c)
			i++
			word.WriteByte(line[i])
			continue
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			if word.Len() > 0 {
				words = append(words, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteByte(c)
	}
	if quoted {
		return nil, fmt.Errorf("a quote is open at the end of the line")
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words, nil
}
