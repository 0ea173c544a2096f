package network

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// route is one http in node's place: a method and a path in the language of Express 4.
type route struct {
	method string // in capitals
	path   string
	plain  string         // the path without a slash at its end, if it has no variables
	re     *regexp.Regexp // else
	keys   []string       // names of the groups of re, in order
	node   *httpIn
}

func newRoute(method, path string, node *httpIn) (*route, error) {
	r := &route{method: strings.ToUpper(method), path: path, node: node}
	if !strings.ContainsAny(path, `:*?+()\.|[]{}^$`) {
		r.plain = strings.TrimSuffix(path, "/")
		return r, nil
	}
	var err error
	r.re, r.keys, err = compileRoute(path)
	return r, err
}

// takes says whether the route answers a method: GET means HEAD, too.
func (r *route) takes(method string) bool {
	return r.method == method || method == "HEAD" && r.method == "GET"
}

func (r *route) methods() []string {
	if r.method == "GET" {
		return []string{"GET", "HEAD"}
	}
	return []string{r.method}
}

// param is a variable of a path and its value.
type param struct{ name, value string }

// match compares an escaped path. Letters count without their case, as does a slash at the end.
func (r *route) match(path string) ([]param, bool, error) {
	if r.re == nil {
		return nil, strings.EqualFold(strings.TrimSuffix(path, "/"), r.plain), nil
	}
	at := r.re.FindStringSubmatchIndex(path)
	if at == nil {
		return nil, false, nil
	}
	var params []param
	for i, key := range r.keys {
		if at[2*i+2] < 0 {
			continue
		}
		raw := path[at[2*i+2]:at[2*i+3]]
		text, ok := decodeComponent(raw)
		if !ok {
			return nil, false, fmt.Errorf("URIError: Failed to decode param '%s'", raw)
		}
		params = append(params, param{key, text})
	}
	return params, true, nil
}

// decodeComponent is JavaScript's decodeURIComponent.
func decodeComponent(s string) (string, bool) {
	text, err := url.PathUnescape(s)
	return text, err == nil && utf8.ValidString(text)
}

// maxRoute bounds a path in bytes.
const maxRoute = 1000

// routeToken is a variable (:name, with a pattern of its own, with ?, + or *), a group or a star.
var routeToken = regexp.MustCompile(`\\.|(/)?(\.)?:(\w+)(\(.*?\))?(\*)?(\?)?|[.*]|/\(`)

// compileRoute makes the expression for a path as path-to-regexp 0.1 does.
func compileRoute(path string) (*regexp.Regexp, []string, error) {
	if len(path) > maxRoute {
		return nil, nil, errors.New("path is too long")
	}
	var keys []string
	path = regexp.MustCompile(`/+$`).ReplaceAllString(path, "")
	var b strings.Builder
	last := 0
	for _, m := range routeToken.FindAllStringSubmatchIndex(path, -1) {
		b.WriteString(path[last:m[0]])
		last = m[1]
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return path[m[2*i]:m[2*i+1]]
		}
		switch text := path[m[0]:m[1]]; {
		case text[0] == '\\':
			b.WriteString(text)
		case text == "*":
			b.WriteString("(.*)")
		case text == "/(":
			b.WriteString("/(?:")
		case text == ".":
			b.WriteString(`\.`)
		default:
			keys = append(keys, part(3))
			b.WriteString(variable(len(keys)-1, part(1), part(2) != "", part(4), part(5) != "", part(6) != ""))
		}
	}
	b.WriteString(path[last:])
	re, err := regexp.Compile(`(?i)^` + b.String() + `/?$`)
	if err != nil {
		return nil, nil, fmt.Errorf("path %q: %w", path, err)
	}
	return re, groupNames(re, keys), nil
}

// groupNames are the names of all groups; those without one have numbers.
func groupNames(re *regexp.Regexp, keys []string) []string {
	var names []string
	unnamed := 0
	for _, name := range re.SubexpNames()[1:] {
		if i, err := strconv.Atoi(strings.TrimPrefix(name, "k")); name != "" && err == nil && i < len(keys) {
			names = append(names, keys[i])
			continue
		}
		names = append(names, strconv.Itoa(unnamed))
		unnamed++
	}
	return names
}

// variable is the expression for variable number i.
func variable(i int, slash string, dot bool, pattern string, star, optional bool) string {
	if pattern == "" {
		pattern = `([^/]+?)`
		if dot {
			pattern = `([^/.]+?)`
		}
	}
	pattern = pattern[1 : len(pattern)-1]
	if star {
		pattern += `(?:/.+?)?`
	}
	out := `(?P<k` + strconv.Itoa(i) + `>` + pattern + `)`
	if dot {
		out = `\.` + out
	}
	if optional {
		return `(?:` + slash + out + `)?`
	}
	return slash + out
}
