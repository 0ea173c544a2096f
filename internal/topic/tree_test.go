package topic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/topic"
)

func TestTreeMatchesAsMatch(t *testing.T) {
	var tree topic.Tree[string]
	for _, tt := range matchTests {
		tree.Add(tt.filter, tt.filter)
	}
	for _, tt := range matchTests {
		t.Run(tt.spec, func(t *testing.T) {
			got := tree.Match(tt.name, nil)
			if slices.Contains(got, tt.filter) != tt.want {
				t.Errorf("Match(%q) = %q, %q in it: want %v", tt.name, got, tt.filter, tt.want)
			}
			for _, f := range got {
				if !topic.Match(f, tt.name) {
					t.Errorf("Match(%q) gave %q, which doesn't match", tt.name, f)
				}
			}
		})
	}
}

func TestTreeAddRemove(t *testing.T) {
	var tree topic.Tree[int]
	check := func(what string, changed, want bool, generation uint64, length int) {
		t.Helper()
		if changed != want || tree.Generation() != generation || tree.Len() != length {
			t.Errorf("%s = %v, generation %d, length %d; want %v, %d, %d",
				what, changed, tree.Generation(), tree.Len(), want, generation, length)
		}
	}
	check("first Add", tree.Add("a/+", 1), true, 1, 1)
	check("same Add", tree.Add("a/+", 1), false, 1, 1)
	check("other value", tree.Add("a/+", 2), true, 2, 2)
	check("other filter", tree.Add("a/#", 1), true, 3, 3)
	check("too deep", tree.Add(strings.Repeat("/", topic.MaxLevels), 1), false, 3, 3)
	check("unknown value", tree.Remove("a/+", 3), false, 3, 3)
	check("unknown filter", tree.Remove("a/b/c", 1), false, 3, 3)
	check("a node without values", tree.Remove("a", 1), false, 3, 3)
	check("Remove", tree.Remove("a/+", 1), true, 4, 2)
	if got := tree.Match("a/x", []int{9}); !slices.Equal(got, []int{9, 1, 2}) {
		t.Errorf("Match appended %v, want 9 1 2", got)
	}
	check("Remove", tree.Remove("a/+", 2), true, 5, 1)
	check("Remove", tree.Remove("a/#", 1), true, 6, 0)
	if got := tree.Match("a/x", nil); got != nil {
		t.Errorf("an empty tree matches %v", got)
	}
}

// TestTreeOrder adds enough values to one filter for every way in which they are kept, and takes them out again.
func TestTreeOrder(t *testing.T) {
	for _, n := range []int{1, 32, 33, 1000} {
		var tree topic.Tree[int]
		var want []int
		for i := range n {
			tree.Add("a", i)
			want = append(want, i)
		}
		random := rand.New(rand.NewPCG(1, uint64(n)))
		for len(want) > 0 {
			if got := tree.Match("a", nil); !slices.Equal(got, want) {
				t.Fatalf("%d values: Match = %v, want %v", n, got, want)
			}
			i := random.IntN(len(want))
			if !tree.Remove("a", want[i]) || tree.Remove("a", want[i]) {
				t.Fatalf("%d values: Remove(%d) is wrong", n, want[i])
			}
			want = slices.Delete(want, i, i+1)
			if random.IntN(4) == 0 && len(want) > 0 { // comes back at the end
				again := want[0]
				tree.Remove("a", again)
				tree.Add("a", again)
				want = append(want[1:], again)
			}
		}
	}
}

// TestTreeAgainstList runs random changes and questions against a plain list of all filters.
func TestTreeAgainstList(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	words := []string{"a", "b", "", "+", "#", "$s"}
	for i := range 30 {
		words = append(words, fmt.Sprint("w", i))
	}
	pick := func(words []string) string {
		levels := make([]string, 1+random.IntN(4))
		for i := range levels {
			levels[i] = words[random.IntN(len(words))]
		}
		return strings.Join(levels, "/")
	}
	type entry struct {
		filter string
		v      int
	}
	var tree topic.Tree[int]
	list := map[entry]bool{}
	for range 20_000 {
		e := entry{pick(words), random.IntN(3)}
		if _, err := topic.ParseFilter(e.filter); err != nil {
			continue
		}
		if random.IntN(3) > 0 {
			if tree.Add(e.filter, e.v) == list[e] {
				t.Fatalf("Add(%v) = %v", e, list[e])
			}
			list[e] = true
		} else {
			if tree.Remove(e.filter, e.v) != list[e] {
				t.Fatalf("Remove(%v) = %v", e, !list[e])
			}
			delete(list, e)
		}
		if random.IntN(20) > 0 {
			continue
		}
		name := strings.NewReplacer("+", "p", "#", "h").Replace(pick(words))
		var want []int
		for e := range list {
			if topic.Match(e.filter, name) {
				want = append(want, e.v)
			}
		}
		got := tree.Match(name, nil)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("Match(%q) = %v, want %v", name, got, want)
		}
	}
	for e := range list {
		tree.Remove(e.filter, e.v)
	}
	if tree.Len() != 0 || tree.Match("a/b", nil) != nil {
		t.Errorf("%d values left", tree.Len())
	}
}

// TestTreeDeepest fills the stack of Match: a filter for every way to put "+" and a word into the deepest levels.
func TestTreeDeepest(t *testing.T) {
	var tree topic.Tree[int]
	words := strings.Repeat("a/", topic.MaxLevels-1)
	for i := range topic.MaxLevels {
		tree.Add(words[:2*i]+"+"+strings.Repeat("/a", topic.MaxLevels-1-i), i)
		tree.Add(words[:2*i]+"#", i)
	}
	if got := tree.Match(words+"a", nil); len(got) != 2*topic.MaxLevels {
		t.Errorf("%d matches, want %d", len(got), 2*topic.MaxLevels)
	}
	if got := tree.Match(words+"a/a/a/a", nil); len(got) != topic.MaxLevels {
		t.Errorf("%d matches of a deeper name, want %d", len(got), topic.MaxLevels)
	}
}

func TestNoAllocations(t *testing.T) {
	var tree topic.Tree[int]
	for i := range 100 {
		tree.Add(fmt.Sprintf("house/%d/+/temp", i), i)
		tree.Add("house/+/kitchen/#", i)
	}
	dst := make([]int, 0, 200)
	name := []byte("house/7/kitchen/temp")
	if n := testing.AllocsPerRun(100, func() { dst = tree.Match("house/7/kitchen/temp", dst[:0]) }); n != 0 {
		t.Errorf("Tree.Match: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { topic.Match("house/+/kitchen/#", "house/7/kitchen/temp") }); n != 0 {
		t.Errorf("Match: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { topic.ValidName(name) }); n != 0 {
		t.Errorf("ValidName: %v allocations", n)
	}
}

func TestTreeTogether(t *testing.T) {
	var tree topic.Tree[int]
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 500 {
				filter := fmt.Sprintf("a/%d/+", i%17)
				tree.Add(filter, g)
				for _, v := range tree.Match(fmt.Sprintf("a/%d/x", i%17), nil) {
					if v < 0 || v > 3 {
						t.Errorf("value %d", v)
					}
				}
				tree.Remove(filter, g)
			}
		})
	}
	all.Wait()
	if tree.Len() != 0 {
		t.Errorf("%d left", tree.Len())
	}
}
