package script

import (
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/flow/value"
)

// What a script leaves alone comes back as it was, and what it changes comes back changed, also where a new string takes
// the place of an old one in the engine's memory.
func TestLentStrings(t *testing.T) {
	vm, err := New(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	f, err := vm.Eval("f", `(m) => { m.a = m.b; m.b = m.b.toUpperCase(); delete m.c; for (let i = 0; i < 50; i++) m.d = "new " + i; m[7] = "seven"; m.e = m.e; return m; }`)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Free(f)
	for i := range 300 {
		m := value.NewMap(60)
		for k := range 40 {
			m.Set(fmt.Sprint("k", k), value.Str(strings.Repeat("x", k)))
		}
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			m.Set(key, value.Str(fmt.Sprint("text ", key, i)))
		}
		in, err := vm.Lend(m.Value())
		if err != nil {
			t.Fatal(err)
		}
		out, err := vm.Call(f, in)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vm.To(out)
		vm.Free(out)
		vm.Return(in)
		if err != nil {
			t.Fatal(err)
		}
		m = m.Clone().Own()
		m.Set("a", m.Get("b")).Set("b", value.Str(strings.ToUpper(m.Get("b").Str()))).Set("d", value.Str("new 49")).Set("7", value.Str("seven"))
		m.Delete("c")
		if got, want := value.JSON(v), value.JSON(m.Value()); got != want {
			t.Fatalf("message %d came back as\n%s\nwant\n%s", i, got, want)
		}
	}
	before := vm.Used()
	for range 1000 {
		in, err := vm.Lend(value.MapOf("payload", strings.Repeat("y", 1000)).Value())
		if err != nil {
			t.Fatal(err)
		}
		vm.Return(in)
	}
	vm.RunGC()
	if grown := vm.Used() - before; grown > 10_000 {
		t.Errorf("the engine has grown by %d bytes", grown)
	}
}
