package broker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestNames compares names with a map, over the border between a list and a map and back, and while names are dropped
// from within all.
func TestNames(t *testing.T) {
	var n names[int]
	want := map[string]int{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		name := fmt.Sprint(r.IntN(3 * fewNames))
		if grow := i/1000%2 == 0; r.IntN(10) < 8 == grow {
			n.set(name, i)
			want[name] = i
		} else {
			n.drop(name)
			delete(want, name)
		}
		if n.len() != len(want) || n.get(name) != want[name] || len(n.few) > fewNames {
			t.Fatalf("after %d steps: %d names, want %d; %q is %d, want %d", i, n.len(), len(want), name, n.get(name), want[name])
		}
		if len(want) == 0 && (n.few != nil || n.many != nil) {
			t.Fatal("an empty one holds memory")
		}
	}
	if got := maps.Collect(n.all()); !maps.Equal(got, want) {
		t.Errorf("holds %v, want %v", got, want)
	}
	for range 2 {
		seen := 0
		for name := range n.all() {
			n.drop(name)
			seen++
		}
		if seen != len(want) || n.len() != 0 {
			t.Errorf("saw %d of %d while they were dropped; %d are left", seen, len(want), n.len())
		}
		clear(want)
		for i := range fewNames {
			n.set(fmt.Sprint(i), i)
			want[fmt.Sprint(i)] = i
		}
	}
}
