package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/mqtt"
)

// reading takes arguments one after the other and keeps the first failure.
type reading struct {
	names *names
	v     mqtt.Version
	needs []string // of the case
	top   uint16   // the server's Topic Alias Maximum
	err   error
}

// names are what a run of a case fills in: ~ is unique to it, @x a packet identifier that came.
type names struct {
	prefix string
	ids    map[string]uint16
}

func (r *reading) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, a...)
	}
}

func (r *reading) unknown(a arg) { r.fail("%s is not known here", a.key) }

// text is a value with ~ replaced. "~/levels*100" is a topic of 100 further levels, "~/bytes*4000" one of 4,000 bytes.
func (r *reading) text(s string) string {
	s = strings.ReplaceAll(s, "~", r.names.prefix)
	if head, n, ok := strings.Cut(s, "levels*"); ok {
		return head + strings.Repeat("x/", int(r.number(n, 10))-1) + "x"
	}
	if head, n, ok := strings.Cut(s, "bytes*"); ok {
		return head + strings.Repeat("x", int(r.number(n, 16))-len(head))
	}
	return s
}

func (r *reading) bytes(s string) []byte { return []byte(r.text(s)) }

// number is a decimal or 0x number of at most bits bits.
func (r *reading) number(s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		r.fail("%q is no number of %d bits", s, bits)
	}
	return n
}

func (r *reading) u8(s string) byte    { return byte(r.number(s, 8)) }
func (r *reading) u16(s string) uint16 { return uint16(r.number(s, 16)) }
func (r *reading) u32(s string) uint32 { return uint32(r.number(s, 32)) }

// id is a packet identifier to be sent: a number, or @x for one that came.
func (r *reading) id(s string) uint16 {
	if !strings.HasPrefix(s, "@") {
		return r.u16(s)
	}
	id, ok := r.names.ids[s]
	if !ok {
		r.fail("%s has not come yet", s)
	}
	return id
}

// alias is a topic alias: a number, or alias-max for the highest that the server takes, or alias-max+1.
func (r *reading) alias(s string) uint16 {
	if name, more := strings.CutSuffix(s, "+1"); name == "alias-max" {
		if more {
			return r.top + 1
		}
		return r.top
	}
	return r.u16(s)
}

// sameID compares a packet identifier that came; the first time, @x takes it. Different names are different numbers.
func (r *reading) sameID(s string, got uint16) bool {
	if !strings.HasPrefix(s, "@") {
		return r.u16(s) == got
	}
	if id, ok := r.names.ids[s]; ok {
		return id == got
	}
	r.names.ids[s] = got
	return true
}

// forVersion picks from "of 5.0/of 3.1.1"; without a slash the value is for both.
func (r *reading) forVersion(s string) string {
	five, three, both := strings.Cut(s, "/")
	if both && r.v != mqtt.V5 {
		return three
	}
	return five
}

// codes reads the alternatives of a reason code, such as 0x81|0x82.
func (r *reading) codes(s string) []mqtt.Reason {
	var out []mqtt.Reason
	for _, alternative := range strings.Split(r.forVersion(s), "|") {
		out = append(out, mqtt.Reason(r.u8(alternative)))
	}
	return out
}

func (r *reading) pair(s string) mqtt.Pair {
	k, v, _ := strings.Cut(r.text(s), ":")
	return mqtt.Pair{Key: k, Value: v}
}

// oneOf says whether got is among the alternatives of want.
func (r *reading) oneOf(want string, got mqtt.Reason) bool {
	return slices.Contains(r.codes(want), got)
}

// raw reads the words of HEX: bytes as hex digits, "…" text, '…' text with its length in front, ( … ) the content with
// its length as a variable byte integer in front.
func (r *reading) raw(words []string) []byte {
	stack := [][]byte{nil}
	top := func() *[]byte { return &stack[len(stack)-1] }
	for _, w := range words {
		switch {
		case w == "(":
			stack = append(stack, nil)
		case w == ")":
			if len(stack) == 1 {
				r.fail("a ) without its (")
				return nil
			}
			inner := *top()
			stack = stack[:len(stack)-1]
			*top() = append(appendVarint(*top(), len(inner)), inner...)
		case len(w) >= 2 && w[0] == '\'' && w[len(w)-1] == '\'':
			s := r.text(w[1 : len(w)-1])
			*top() = append(append(*top(), byte(len(s)>>8), byte(len(s))), s...)
		case w[0] == '"':
			s, err := strconv.Unquote(w)
			if err != nil {
				r.fail("%s: %v", w, err)
			}
			*top() = append(*top(), r.text(s)...)
		default:
			for i := 0; i < len(w); i += 2 {
				b, err := strconv.ParseUint(w[i:min(i+2, len(w))], 16, 8)
				if err != nil {
					r.fail("%q: want pairs of hex digits", w)
				}
				*top() = append(*top(), byte(b))
			}
		}
	}
	if len(stack) > 1 {
		r.fail("a ( without its )")
		return nil
	}
	return stack[0]
}

func appendVarint(dst []byte, n int) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}
