package jsonata

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// generator makes expressions of the pieces of the language.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) expr(depth int) string {
	if depth <= 0 {
		return g.leaf()
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return g.path(depth)
	case 4:
		return fmt.Sprintf("(%s %s %s)", e(), g.pick("+", "-", "*", "&", "=", "!=", "<", ">=", "in", "and", "or", "??", "?:"), e())
	case 5:
		return fmt.Sprintf("[%s,%s]", e(), e())
	case 6:
		return fmt.Sprintf(`{"p":%s,"q":%s}`, e(), e())
	case 7:
		return fmt.Sprintf("(%s ? %s : %s)", e(), e(), e())
	case 8:
		return fmt.Sprintf("(%s)%s", e(), g.pick("[0]", "[-1]", "[]", "[1][0]", "[$]", "[id]", "[v>20]"))
	case 9:
		return fmt.Sprintf("$%s(%s)", g.pick("count", "string", "distinct", "reverse", "keys", "spread", "boolean", "not", "exists", "type", "sum", "max", "sort", "merge", "length", "number", "uppercase", "zip", "clone", "join"), e())
	case 10:
		return fmt.Sprintf("$%s(%s, function($v,$i){%s})", g.pick("map", "filter", "each", "sift", "single", "sort"), e(), g.pick("$v", "$i", "$v.id", "[$v]", "$v.$", "$exists($v.v)", "$i=0"))
	case 11:
		return fmt.Sprintf("($x := %s; %s)", e(), g.pick("$x", "$x[0]", "$x.id", "[$x,$x]", "$x[]", "$append($x,1)"))
	case 12:
		return fmt.Sprintf("$append(%s,%s)", e(), e())
	case 13:
		return fmt.Sprintf("(%s) ~> $%s", e(), g.pick("count", "string", "reverse", "type"))
	case 14:
		return fmt.Sprintf("(%s)^(%s)", e(), g.pick("$", ">$", "v", ">v,id", "name"))
	}
	return g.leaf()
}

func (g generator) leaf() string {
	return g.pick("1", "0", `"a"`, "true", "null", "nosuch", "nums", "words", "rooms", "a", "list", "obj", "nested", "mixed", "$", "$$", "[1..3]", "[]", "{}", "[[1]]", "text", "*", "num")
}

func (g generator) path(depth int) string {
	var b strings.Builder
	b.WriteString(g.pick("rooms", "orders", "a", "nested", "mixed", "books", "$", "$$", "(rooms)", "rooms#$n", "rooms@$r", "*", "**", "nosuch", "[rooms,a]"))
	for range g.IntN(4) {
		b.WriteString(g.pick(".sensors", ".id", ".lines", ".b", ".c", ".list", ".x", ".$", ".*", ".name", ".tags", "[0]", "[-1]", "[]", "[id]", "[v>20]", "[[0,1]]", "^(v)", ".%.name", "#$i", "@$q",
			".[id,v]", ".{\"k\":$}", ".(v)", ".(sensors.id)", "{id:v}", ".(%.name)", ".[$]", "[true]", ".($n)", ".[$i,$]", ".sensors@$s", ".sensors#$j", ".("+g.expr(depth-2)+")"))
	}
	return b.String()
}

// TestOracleGenerated compares generated expressions with the original; it runs where
// TestOracle does. JSONATA_SEED gives others.
func TestOracleGenerated(t *testing.T) {
	pkg := os.Getenv("JSONATA_PACKAGE")
	node, err := exec.LookPath("node")
	if pkg == "" || err != nil {
		t.Skip("see TestOracle")
	}
	doc, err := os.ReadFile("testdata/doc.json")
	if err != nil {
		t.Fatal(err)
	}
	seed, _ := strconv.ParseUint(os.Getenv("JSONATA_SEED"), 10, 64)
	g := generator{rand.New(rand.NewPCG(1, seed))}
	var cases []string
	for range 3000 {
		cases = append(cases, g.expr(3))
	}
	compareAll(t, node, pkg, string(doc), cases, true)
}
