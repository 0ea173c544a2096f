package script

import (
	"testing"
	"time"

	"tsunagi/internal/flow/value"
)

// What goes in comes out again, keys in the same order.
func FuzzConversion(f *testing.F) {
	for _, s := range []string{typicalMessage, jsonMessage, `{"__proto__":[null,{"2":1,"1":-0.5e300}],"":""}`, `[[],{},"\u0000\ud83d\ude00",4294967296,-0]`, `"\ud800"`} {
		f.Add(s)
	}
	vm := newVM(f, Limits{})
	f.Fuzz(func(t *testing.T, text string) {
		v, err := value.ParseString(text)
		if err != nil {
			return
		}
		r, err := vm.From(v)
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Free(r)
		again, err := vm.To(r)
		if err != nil {
			t.Fatal(err)
		}
		want := value.JSON(v)
		if got := value.JSON(again); got != want {
			t.Errorf("%s became %s", want, got)
		}
	})
}

// Our JSON.parse takes what the engine's own takes, and gives the same.
func FuzzJSONParse(f *testing.F) {
	for _, s := range []string{jsonMessage, `[1.5e3,-0,0.1,123456789012345678,1e999,-12.50,01,1.,.5,-]`, `{"a":{"a":1,"a":2,"":[]},"\u0061":"\n","2":1,"1":0}`, ` [ true , false , null ] `, `{"a" : 1 , "b":[{}]}`, `"é日本\ud83d"`, `[1,]`, `{"a":1`} {
		f.Add(s)
	}
	vm := newVM(f, Limits{})
	same, err := vm.Eval("fuzz", `(own, text) => { const run = (f) => { try { return [f(text)] } catch (e) { return e.name } }; return [run(JSON.parse), run(own)]; }`)
	if err != nil {
		f.Fatal(err)
	}
	own := Ref{vm.known.parse}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := vm.From(value.Str(text))
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Free(in)
		out, err := vm.Call(same, own, in)
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Free(out)
		v, err := vm.To(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := value.JSON(v.List().At(0)), value.JSON(v.List().At(1)); got != want {
			t.Errorf("%q is %s, the engine has %s", text, got, want)
		}
	})
}

// Whatever a script is, it ends in time, and leaves an engine that can be closed.
func FuzzScript(f *testing.F) {
	for _, s := range []string{typicalBody, `for(;;){}`, `class A { #x = 1; static { new A } } new Proxy([], {})`, `async function* g() { yield* g() } g().next()`, "`${`${1}`}`", `/(?<a>.)\k<a>/v.exec("aa")`, `Buffer.from([1]).readInt8(0)`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		vm := newVM(t, Limits{Memory: 4 << 20, Time: 50 * time.Millisecond})
		r, err := vm.Eval("fuzz", source)
		if err != nil {
			return
		}
		defer vm.Free(r)
		if _, err := vm.To(r); err != nil {
			return
		}
	})
}
