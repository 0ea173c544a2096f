package topic_test

import (
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/topic"
)

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"", "#", "+", "a/+/#", "a#", "+a/b", "/", "$share/g/a/#", "$share//a", "$SYS/#", "a\x00", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := topic.ParseFilter(s)
		if err != nil {
			return
		}
		if got.Full != s || got.Filter == "" || !strings.HasSuffix(s, got.Filter) {
			t.Fatalf("ParseFilter(%q) = %+v", s, got)
		}
		if got.Share != "" && s != "$share/"+got.Share+"/"+got.Filter {
			t.Fatalf("ParseFilter(%q) = %+v", s, got)
		}
		if !topic.Covers(got.Filter, got.Filter) {
			t.Errorf("%q doesn't cover itself", got.Filter)
		}
		// A filter without wildcards is a name and matches itself.
		if topic.ValidName([]byte(got.Filter)) && !topic.Match(got.Filter, got.Filter) {
			t.Errorf("%q doesn't match itself", got.Filter)
		}
		var tree topic.Tree[int]
		if !tree.Add(got.Filter, 1) || tree.Add(got.Filter, 1) || !tree.Remove(got.Filter, 1) || tree.Len() != 0 {
			t.Errorf("%q doesn't go in and out of the tree", got.Filter)
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, tt := range matchTests {
		f.Add(tt.filter, tt.name)
	}
	f.Fuzz(func(t *testing.T, filter, name string) {
		if p, err := topic.ParseFilter(filter); err != nil || p.Share != "" || !topic.ValidName([]byte(name)) {
			return
		}
		want := oracle(filter, name)
		if got := topic.Match(filter, name); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", filter, name, got, want)
		}
		var tree topic.Tree[int]
		tree.Add("#", 1)
		tree.Add(filter, 2)
		tree.Add("+/"+filter, 3) // more branches to go wrong in; refused when too deep
		if got := tree.Match(name, nil); slices.Contains(got, 2) != want {
			t.Errorf("Tree.Match(%q, %q) = %v, want %v", filter, name, got, want)
		}
		var r topic.Retained[int]
		for i, n := range []string{name, name + "/x", "a/" + name, name + "0", "$SYS"} {
			if topic.ValidName([]byte(n)) {
				r.Set(n, i)
			}
		}
		found := false
		r.Match(filter, func(n string, _ int) bool {
			found = found || n == name
			if !oracle(filter, n) {
				t.Errorf("Retained.Match(%q) gave %q", filter, n)
			}
			return true
		})
		if found != want {
			t.Errorf("Retained.Match(%q) found %q: %v, want %v", filter, name, found, want)
		}
	})
}

func FuzzCovers(f *testing.F) {
	for _, tt := range matchTests {
		f.Add(tt.filter, strings.Replace(tt.filter, "+", "a", 1), tt.name)
	}
	f.Fuzz(func(t *testing.T, filter, other, name string) {
		for _, s := range []string{filter, other} {
			if p, err := topic.ParseFilter(s); err != nil || p.Share != "" {
				return
			}
		}
		if !topic.ValidName([]byte(name)) {
			return
		}
		if topic.Covers(filter, other) && topic.Match(other, name) && !topic.Match(filter, name) {
			t.Errorf("%q covers %q but doesn't match %q", filter, other, name)
		}
		// A name taken as a filter is covered exactly when it is matched.
		if covers, matches := topic.Covers(filter, name), topic.Match(filter, name); covers != matches {
			t.Errorf("Covers(%q, %q) = %v, Match = %v", filter, name, covers, matches)
		}
	})
}
