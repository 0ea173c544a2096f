package topic_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tsunagi/internal/topic"
)

// TestTreeWide adds thousands of levels below one, short and long ones, and takes them out in another order.
func TestTreeWide(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	var tree topic.Tree[int]
	name := func(i int) string {
		if i%2 == 0 {
			return fmt.Sprintf("a/%d/b", i)
		}
		return fmt.Sprintf("a/a level of its own %d/b", i)
	}
	in := map[int]bool{}
	const most = 3000
	for round := range 30_000 {
		i := random.IntN(most)
		grow := (round/10_000)%2 == 0
		if in[i] != grow && random.IntN(8) > 0 {
			if grow {
				in[i] = tree.Add(name(i), i)
			} else {
				in[i] = !tree.Remove(name(i), i)
			}
			if in[i] != grow {
				t.Fatalf("%q: there %v, want %v", name(i), in[i], grow)
			}
		}
		if round%2000 > 0 {
			continue
		}
		for i := range most {
			if got := tree.Match(name(i), nil); len(got) > 0 != in[i] || in[i] && got[0] != i {
				t.Fatalf("Match(%q) = %v, want it: %v", name(i), got, in[i])
			}
		}
	}
}

func TestTreeWarm(t *testing.T) {
	var tree topic.Tree[int]
	var names []string
	for i := range 2 * topic.WarmMost {
		tree.Add(fmt.Sprintf("a/%d/+", i), i)
		names = append(names, fmt.Sprintf("a/%d/x", i))
	}
	names[1], names[2], names[3] = "", "a", "b/c/d/e/f"
	want := []int{0}
	for i := 4; i < topic.WarmMost; i++ {
		want = append(want, i)
	}
	if got := tree.Warm(names, nil); !slices.Equal(got, want) {
		t.Errorf("Warm = %v, want %v", got, want)
	}
	if got := new(topic.Tree[int]).Warm(names, nil); len(got) > 0 {
		t.Errorf("Warm of an empty tree = %v", got)
	}
}
