package jsonata

import (
	"strings"

	"tsunagi/internal/flow/value"
)

// signature is what a function takes, written as in <s-n?:s>.
type signature struct {
	params []param
}

type param struct {
	kind    byte   // s n b l o a f j x, or ( for a choice
	accepts string // letters of the types that fit; m is a missing value
	subtype string // of an array or function
	context bool   // -: the context value stands in when it is missing
	repeat  byte   // 0 one, ? none or one, + one or more
}

// parseSignature reads a signature from its "<" on. The Index of its error is the offset.
func parseSignature(text string) (*signature, *Error) {
	s := &signature{}
	for i := 1; i < len(text) && text[i] != ':'; i++ {
		last := &param{}
		if n := len(s.params); n > 0 {
			last = &s.params[n-1]
		}
		switch c := text[i]; c {
		case 's', 'n', 'b', 'l', 'o':
			s.params = append(s.params, param{kind: c, accepts: string(c) + "m"})
		case 'a', 'x':
			s.params = append(s.params, param{kind: c, accepts: "asnblfom"})
		case 'f':
			s.params = append(s.params, param{kind: c, accepts: "f"})
		case 'j':
			s.params = append(s.params, param{kind: c, accepts: "asnblom"})
		case '-':
			last.context = true
			last.repeat = '?'
		case '?', '+':
			last.repeat = c
		case '(':
			end := closing(text, i, '(', ')')
			choice := text[i+1 : min(end, len(text))]
			if strings.Contains(choice, "<") {
				return nil, &Error{Code: "S0402", Index: i, Value: value.Str(choice)}
			}
			s.params = append(s.params, param{kind: '(', accepts: choice + "m"})
			i = end
		case '<':
			if last.kind != 'a' && last.kind != 'f' {
				return nil, &Error{Code: "S0401", Index: i}
			}
			end := closing(text, i, '<', '>')
			last.subtype = text[i+1 : min(end, len(text))]
			i = end
		}
	}
	return s, nil
}

func closing(text string, at int, opens, closes byte) int {
	depth := 1
	for at++; at < len(text); at++ {
		switch text[at] {
		case closes:
			if depth--; depth == 0 {
				return at
			}
		case opens:
			depth++
		}
	}
	return at
}

func typeLetter(v value.Value) byte {
	switch v.Kind() {
	case value.Undefined:
		return 'm'
	case value.Null:
		return 'l'
	case value.Bool:
		return 'b'
	case value.Number:
		return 'n'
	case value.String:
		return 's'
	case value.Array:
		return 'a'
	case value.Handle:
		if fnOf(v) != nil {
			return 'f'
		}
	}
	return 'o'
}

// validate fits the arguments to the parameters; context stands in for missing ones. It
// returns args itself when nothing is to be changed.
func (s *signature) validate(args []value.Value, context value.Value) ([]value.Value, *Error) {
	if s.plain(args) {
		return args, nil
	}
	counts := make([]int, len(s.params))
	if !s.match(args, 0, 0, counts) {
		return nil, s.mismatch(args)
	}
	out := make([]value.Value, 0, len(s.params))
	at := 0
	for i, p := range s.params {
		if counts[i] == 0 {
			if !p.context {
				var v value.Value
				if at < len(args) {
					v = args[at]
				}
				out = append(out, v)
				at++
				continue
			}
			if strings.IndexByte(p.accepts, typeLetter(context)) < 0 {
				return nil, &Error{Code: "T0411", Value: context, Index: at + 1}
			}
			out = append(out, context)
			continue
		}
		for range counts[i] {
			v, err := p.fit(args[at], counts[i], at)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			at++
		}
	}
	return out, nil
}

// plain says whether each parameter has its argument, none of which needs a change.
func (s *signature) plain(args []value.Value) bool {
	if len(args) != len(s.params) {
		return false
	}
	for i, p := range s.params {
		t := typeLetter(args[i])
		if p.kind == 'a' && t != 'm' && (t != 'a' || !p.elements(args[i])) || strings.IndexByte(p.accepts, t) < 0 {
			return false
		}
	}
	return true
}

// elements says whether all elements of an array are of the wanted type.
func (p param) elements(v value.Value) bool {
	if p.subtype == "" {
		return true
	}
	for _, e := range v.List().All() {
		if typeLetter(e) != p.subtype[0] {
			return false
		}
	}
	return true
}

// match finds how many arguments each parameter takes, as many as it can first.
func (s *signature) match(args []value.Value, i, at int, counts []int) bool {
	if i == len(s.params) {
		return at == len(args)
	}
	p := s.params[i]
	least, most := 1, 1
	switch p.repeat {
	case '?':
		least = 0
	case '+':
		most = len(args) - at
	}
	n := 0
	for n < most && at+n < len(args) && strings.IndexByte(p.accepts, typeLetter(args[at+n])) >= 0 {
		n++
	}
	for ; n >= least; n-- {
		counts[i] = n
		if s.match(args, i+1, at+n, counts) {
			return true
		}
	}
	return false
}

// mismatch says which argument is the first that doesn't fit.
func (s *signature) mismatch(args []value.Value) *Error {
	good := 0
	for n := 1; n <= len(s.params); n++ {
		at, ok := s.longest(args, n)
		if !ok {
			break
		}
		good = at
	}
	e := &Error{Code: "T0410", Index: good + 1}
	if good < len(args) {
		e.Value = args[good]
	}
	return e
}

// longest is how many arguments the first n parameters take.
func (s *signature) longest(args []value.Value, n int) (int, bool) {
	part := signature{params: s.params[:n]}
	counts := make([]int, n)
	for to := len(args); to >= 0; to-- {
		if part.match(args[:to], 0, 0, counts) {
			return to, true
		}
	}
	return 0, false
}

var arraysOf = map[string]string{"a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"}

// fit makes an array of a single value where an array is wanted, and checks its elements.
func (p param) fit(v value.Value, count, at int) (value.Value, *Error) {
	t := typeLetter(v)
	if p.kind != 'a' || t == 'm' {
		return v, nil
	}
	ok := true
	if p.subtype != "" {
		if t != 'a' {
			ok = count == 1 && string(t) == p.subtype
		} else {
			ok = p.elements(v)
		}
	}
	if !ok {
		return value.Value{}, &Error{Code: "T0412", Value: v, Index: at + 1, Text: arraysOf[p.subtype]}
	}
	if t != 'a' {
		v = value.NewList(v.Clone()).Value()
	}
	return v, nil
}
