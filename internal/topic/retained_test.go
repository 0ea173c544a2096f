package topic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/topic"
)

func names(r *topic.Retained[int], filter string) []string {
	var got []string
	for name := range func(yield func(string, int) bool) { r.Match(filter, yield) } {
		got = append(got, name)
	}
	return got
}

func TestRetainedMatch(t *testing.T) {
	var r topic.Retained[int]
	for i, name := range []string{"sport", "sport/", "sport/tennis", "sport/tennis/a", "sport/tennis/b", "sport!", "sports",
		"/finance", "a//b", "$SYS/up", "$SYS", "zoo"} {
		r.Set(name, i)
	}
	tests := []struct {
		spec, filter string
		want         []string
	}{
		{"exact", "sport", []string{"sport"}},
		{"exact, not there", "spor", nil},
		{"4.7.1.2 # and the parent", "sport/#", []string{"sport", "sport/", "sport/tennis", "sport/tennis/a", "sport/tennis/b"}},
		{"4.7.1.2 # alone hides $", "#", []string{"/finance", "a//b", "sport", "sport/", "sport/tennis", "sport/tennis/a",
			"sport/tennis/b", "sport!", "sports", "zoo"}},
		{"4.7.1.3 + alone", "+", []string{"sport", "sport!", "sports", "zoo"}},
		{"4.7.1.3 + last", "sport/+", []string{"sport/", "sport/tennis"}},
		{"4.7.1.3 + twice", "+/+", []string{"/finance", "sport/", "sport/tennis"}},
		{"4.7.1.3 + inside", "a/+/b", []string{"a//b"}},
		{"4.7.1.3 + then #", "+/tennis/#", []string{"sport/tennis", "sport/tennis/a", "sport/tennis/b"}},
		{"MQTT-4.7.2-1 $SYS/#", "$SYS/#", []string{"$SYS", "$SYS/up"}},
		{"MQTT-4.7.2-1 +/up", "+/up", nil},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if got := names(&r, tt.filter); !slices.Equal(got, tt.want) {
				t.Errorf("Match(%q) = %q, want %q", tt.filter, got, tt.want)
			}
		})
	}
}

func TestRetainedSetGetDelete(t *testing.T) {
	var r topic.Retained[int]
	if _, had := r.Get("a"); had {
		t.Error("Get found something in an empty index")
	}
	if _, had := r.Delete("a"); had {
		t.Error("Delete found something in an empty index")
	}
	if got := names(&r, "#"); got != nil {
		t.Errorf("an empty index matches %q", got)
	}
	if _, had := r.Set("a", 1); had {
		t.Error("first Set found something")
	}
	if old, had := r.Set("a", 2); !had || old != 1 {
		t.Errorf("second Set = %d, %v", old, had)
	}
	if v, ok := r.Get("a"); !ok || v != 2 || r.Len() != 1 {
		t.Errorf("Get = %d, %v, length %d", v, ok, r.Len())
	}
	if old, had := r.Delete("a"); !had || old != 2 || r.Len() != 0 {
		t.Errorf("Delete = %d, %v, length %d", old, had, r.Len())
	}
}

// TestRetainedAgainstMap runs random changes, far more names than a chunk holds, and compares every kind of walk.
func TestRetainedAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	var r topic.Retained[int]
	want := map[string]int{}
	name := func() string {
		levels := make([]string, 1+random.IntN(3))
		for i := range levels {
			levels[i] = fmt.Sprint(random.IntN(40))
		}
		return strings.TrimPrefix(strings.Join(levels, "/"), "0")
	}
	filters := []string{"#", "+", "+/+", "1/#", "+/7", "3/+/4", "+/+/5", "+/8/#", "/#", "12/13", "+/+/#"}
	for round := range 60_000 {
		n := name()
		if !topic.ValidName([]byte(n)) {
			continue
		}
		grow := (round/15_000)%2 == 0
		if (random.IntN(5) > 0) == grow {
			old, had := r.Set(n, round)
			if v, ok := want[n]; v != old || ok != had {
				t.Fatalf("Set(%q) = %d, %v, want %d, %v", n, old, had, v, ok)
			}
			want[n] = round
		} else {
			old, had := r.Delete(n)
			if v, ok := want[n]; v != old || ok != had {
				t.Fatalf("Delete(%q) = %d, %v, want %d, %v", n, old, had, v, ok)
			}
			delete(want, n)
		}
		if r.Len() != len(want) {
			t.Fatalf("length %d, want %d", r.Len(), len(want))
		}
		if round%3000 > 0 {
			continue
		}
		for _, f := range filters {
			got := map[string]int{}
			r.Match(f, func(name string, v int) bool {
				if _, twice := got[name]; twice || want[name] != v || !topic.Match(f, name) {
					t.Errorf("Match(%q) gave %q = %d (again: %v), want %d", f, name, v, twice, want[name])
				}
				got[name] = v
				return true
			})
			for name := range want {
				if _, ok := got[name]; !ok && topic.Match(f, name) {
					t.Fatalf("Match(%q) misses %q", f, name)
				}
			}
		}
	}
}

func TestRetainedWalkMayChange(t *testing.T) {
	var r topic.Retained[int]
	for i := range 2000 {
		r.Set(fmt.Sprintf("a/%04d", i), i)
	}
	count := 0
	r.Match("a/+", func(name string, _ int) bool {
		count++
		r.Delete(name)
		r.Set("a/0000/new", 0) // not matched
		return true
	})
	if count != 2000 || r.Len() != 1 {
		t.Errorf("%d names walked, %d left; want 2000 and 1", count, r.Len())
	}
	r.Set("a/x", 1)
	count = 0
	r.Match("#", func(string, int) bool { count++; return false })
	if count != 1 {
		t.Errorf("%d calls after yield said stop, want 1", count)
	}
}

func TestRetainedMatchAfter(t *testing.T) {
	var r topic.Retained[int]
	for i := range 500 {
		r.Set("a/"+string(rune('a'+i%26))+"/"+string(rune('A'+i/26)), i)
		r.Set("b/x/"+string(rune('A'+i/26)), i)
	}
	for _, filter := range []string{"#", "a/+/#", "a/c/+", "+/+/C", "b/x/A", "a"} {
		var want, got []string
		r.Match(filter, func(name string, _ int) bool { want = append(want, name); return true })
		for step := 0; len(got) < len(want) && step <= len(want); step++ {
			n := 0
			take := func(name string, _ int) bool { got = append(got, name); n++; return n < 7 }
			if len(got) == 0 {
				r.Match(filter, take)
			} else {
				r.MatchAfter(filter, got[len(got)-1], take)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d names in steps, want %d", filter, len(got), len(want))
		}
		if len(want) > 0 {
			r.MatchAfter(filter, want[len(want)-1], func(name string, _ int) bool {
				t.Errorf("%s: %s behind the last", filter, name)
				return true
			})
		}
	}
}
