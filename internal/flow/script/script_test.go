package script

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/flow/value"
)

func newVM(t testing.TB, l Limits) *VM {
	t.Helper()
	vm, err := New(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vm.Close)
	return vm
}

// eval runs a script and returns its result as Go value.
func eval(t testing.TB, vm *VM, source string) (value.Value, error) {
	t.Helper()
	r, err := vm.Eval("test", source)
	if err != nil {
		return value.Value{}, err
	}
	defer vm.Free(r)
	return vm.To(r)
}

// show is a value as text that tells the kinds apart.
func show(v value.Value) string {
	switch v.Kind() {
	case value.Undefined:
		return "undefined"
	case value.Bytes:
		return fmt.Sprintf("Buffer %x", v.Bytes())
	case value.Date:
		s, _ := value.ISO(v)
		return "Date " + s
	case value.Number:
		return v.Text()
	}
	return value.JSON(v)
}

func TestLanguageAndPrelude(t *testing.T) {
	vm := newVM(t, Limits{})
	tests := []struct{ name, source, want string }{
		{"number", `1 + 1`, `2`},
		{"NaN", `NaN`, `NaN`},
		{"Infinity", `-1 / 0`, `-Infinity`},
		{"undefined", `undefined`, `undefined`},
		{"key order", `({ z: 1, a: 2, 10: 3, 2: 4 })`, `{"2":4,"10":3,"z":1,"a":2}`},
		{"functions are left out", `({ a: 1, f() {} })`, `{"a":1}`},
		{"Date", `new Date(0)`, `Date 1970-01-01T00:00:00.000Z`},
		{"astral characters", `"\u{1F600}é"`, `"😀é"`},
		{"typed array", `new Float32Array([1, 2.5])`, `[1,2.5]`},
		{"shared object", `const o = { a: 1 }; [o, o]`, `[{"a":1},{"a":1}]`},
		{"wrapped primitives", `[new Number(1), new String("x"), new Boolean(false)]`, `[1,"x",false]`},
		{"Buffer.from utf8", `Buffer.from("é")`, `Buffer c3a9`},
		{"Buffer.from hex", `Buffer.from("0aFFzz", "hex")`, `Buffer 0aff`},
		{"Buffer.from base64", `Buffer.from("aGk=", "base64")`, `Buffer 6869`},
		{"Buffer.from base64url", `Buffer.from("_-8", "base64")`, `Buffer ffef`},
		{"Buffer.from latin1", `Buffer.from("\xe9\u0141", "latin1")`, `Buffer e941`},
		{"Buffer.from ucs2", `Buffer.from("aé", "ucs2")`, `Buffer 6100e900`},
		{"Buffer.from array", `Buffer.from([1, 256, -1])`, `Buffer 0100ff`},
		{"Buffer.from its JSON", `Buffer.from({ type: "Buffer", data: [1, 2] })`, `Buffer 0102`},
		{"new Buffer", `[new Buffer("a").length, new Buffer(3).length, Buffer("x").length]`, `[1,3,1]`},
		{"Buffer.alloc", `Buffer.alloc(3, "ab")`, `Buffer 616261`},
		{"Buffer.concat", `Buffer.concat([Buffer.from("a"), Buffer.from("bc")], 2)`, `Buffer 6162`},
		{"Buffer is a Uint8Array", `const b = Buffer.from("a"); [b instanceof Uint8Array, Buffer.isBuffer(b), Buffer.isBuffer(new Uint8Array(1))]`, `[true,true,false]`},
		{"toString", `const b = Buffer.from([0xe2, 0x82, 0xac, 0xff]); [b.toString(), b.toString("hex"), b.toString("base64"), b.toString("latin1"), b.toString("ascii"), b.toString("hex", 1, 2)]`,
			"[\"€�\",\"e282acff\",\"4oKs/w==\",\"â\u0082¬ÿ\",\"b\\u0002,\u007f\",\"82\"]"},
		{"slice shares memory", `const b = Buffer.from("abc"); b.slice(1)[0] = 120; [b.toString(), b.slice(1) instanceof Buffer, b.slice(-1).toString()]`, `["axc",true,"c"]`},
		{"toJSON", `JSON.stringify(Buffer.from("a"))`, `"{\"type\":\"Buffer\",\"data\":[97]}"`},
		{"integers", `const b = Buffer.alloc(16); b.writeInt16BE(-2, 0); b.writeUInt32LE(0xdeadbeef, 2); b.writeUIntBE(0x123456, 6, 3); b.writeInt8(-1, 9);
			[b.readInt16BE(0), b.readUInt32LE(2), b.readUintBE(6, 3), b.readInt8(9), b.readIntLE(0, 2), b.toString("hex", 0, 10)]`,
			`[-2,3735928559,1193046,-1,-257,"fffeefbeadde123456ff"]`},
		{"floats", `const b = Buffer.alloc(12); b.writeFloatLE(1.5, 0); b.writeDoubleBE(-2.25, 4); [b.readFloatLE(0), b.readDoubleBE(4)]`, `[1.5,-2.25]`},
		{"BigInt at a place", `const b = Buffer.alloc(8); b.writeBigUInt64BE(2n ** 63n); String(b.readBigInt64BE())`, `"-9223372036854775808"`},
		{"out of range", `try { Buffer.alloc(2).readInt32LE(0) } catch (e) { [e.name, e.code] }`, `["RangeError","ERR_BUFFER_OUT_OF_BOUNDS"]`},
		{"equals and compare", `[Buffer.from("a").equals(Buffer.from("a")), Buffer.compare(Buffer.from("a"), Buffer.from("b")), Buffer.from("abc").indexOf("c"), Buffer.from("abab").lastIndexOf("ab"), Buffer.from("abc").includes("x")]`, `[true,-1,2,2,false]`},
		{"write and fill", `const b = Buffer.alloc(5, "."); [b.write("hello", 3), b.toString(), b.fill("xy").toString(), Buffer.byteLength("€")]`, `[2,"...he","xyxyx",3]`},
		{"swap", `Buffer.from([1, 2, 3, 4]).swap16()`, `Buffer 02010403`},
		{"map makes a Buffer", `Buffer.from([1, 2]).map((x) => x * 2)`, `Buffer 0204`},
		{"URL", `const u = new URL("https://u:p@Example.com:443/a%20b/?x=1&y=%20#h"); [u.href, u.host, u.pathname, u.search, u.hash, u.origin, u.searchParams.get("y"), u.port]`,
			`["https://u:p@example.com/a%20b/?x=1&y=%20#h","example.com","/a%20b/","?x=1&y=%20","#h","https://example.com"," ",""]`},
		{"URL with base", `new URL("../c?q", "http://h:81/a/b/d").href`, `"http://h:81/a/c?q"`},
		{"URL changed", `const u = new URL("http://h/"); u.searchParams.append("a b", "c&d"); u.hash = "z"; u.pathname = "p q"; u.href`, `"http://h/p%20q?a+b=c%26d#z"`},
		{"URL refused", `try { new URL("nonsense") } catch (e) { [e.name, e.message, e.code] }`, `["TypeError","Invalid URL","ERR_INVALID_URL"]`},
		{"URLSearchParams", `const p = new URLSearchParams({ a: 1, b: "x y" }); p.append("a", 2); [p.toString(), p.getAll("a"), [...p.keys()], p.size]`, `["a=1&b=x+y&a=2",["1","2"],["a","b","a"],3]`},
		{"TextEncoder", `[...new TextEncoder().encode("€")]`, `[226,130,172]`},
		{"TextDecoder", `new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))`, `"a"`},
		{"structuredClone", `const o = { d: new Date(0), m: new Map([[1, { a: 1 }]]) }; o.self = o; const c = structuredClone(o); [c !== o, c.self === c, c.d.getTime(), c.m.get(1).a, c.m.get(1) !== o.m.get(1)]`, `[true,true,0,1,true]`},
		{"structuredClone refuses", `try { structuredClone({ f() {} }) } catch (e) { e.name }`, `"DataCloneError"`},
		{"util.format", `util.format("%s is %d%% of %j", "a", 5, { x: 1 }, "rest")`, `"a is 5% of {\"x\":1} rest"`},
		{"util.inspect", `util.inspect({ a: [1, "x"] })`, `"{ a: [ 1, 'x' ] }"`},
		{"atob and btoa", `[btoa("é"), atob("6Q==")]`, `["6Q==","é"]`},
		{"deep equality", `util.isDeepStrictEqual({ a: [1] }, { a: [1] })`, `true`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := eval(t, vm, "{"+tt.source+"}")
			if strings.HasPrefix(tt.source, "(") || !strings.Contains(tt.source, ";") && !strings.HasPrefix(tt.source, "try") && !strings.HasPrefix(tt.source, "const") {
				v, err = eval(t, vm, tt.source)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := show(v); got != tt.want {
				t.Errorf("%s = %s, want %s", tt.source, got, tt.want)
			}
		})
	}
}

func TestRefusedConversions(t *testing.T) {
	vm := newVM(t, Limits{})
	for _, tt := range []struct{ source, want string }{
		{`const a = {}; a.b = { a }; a`, "contains itself"},
		{`({ n: 1n })`, "BigInt"},
		{`10n`, "BigInt"},
		{`let d = {}; for (let i = 0; i < 5000; i++) d = { d }; d`, "too deeply"},
		{`const big = []; big.length = 4e9; big`, "too large"},
		{`({ get x() { throw new RangeError("no") } })`, "RangeError: no"},
	} {
		if _, err := eval(t, vm, "{"+tt.source+"}"); tt.source[0] == '(' || tt.source[0] == '1' {
			_, err = eval(t, vm, tt.source)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.source, err, tt.want)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.source, err, tt.want)
		}
	}
}

// A tree of 2^40 values out of 40 objects is read once for each object.
func TestSharedObjectsAreReadOnce(t *testing.T) {
	vm := newVM(t, Limits{})
	v, err := eval(t, vm, `{ let o = { end: 1 }; for (let i = 0; i < 40; i++) o = { a: o, b: o }; o }`)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		v = v.Map().Get("b")
	}
	if v.Map().Get("end").Num() != 1 {
		t.Error("the innermost object is lost")
	}
}

func TestTimeLimit(t *testing.T) {
	for name, source := range map[string]string{
		"endless loop":          `for (;;) {}`,
		"caught in the loop":    `for (;;) { try { for (;;) {} } catch {} finally { continue } }`,
		"regular expression":    `/^(a+)+$/.test("a".repeat(40) + "b")`,
		"promise jobs":          `(function f() { Promise.resolve().then(f) })()`,
		"async function":        `(async () => { for (;;) await null })()`,
		"sort that never likes": `for (;;) [3, 1, 2].sort(() => 1)`,
		"getter while read":     `({ get x() { for (;;) {} } })`,
		"indexOf over holes":    `const a = []; a.length = 4e9; a.indexOf(1)`,
		"forEach over holes":    `const b = []; b.length = 4e9; b.forEach(() => 1)`,
		"huge array-like":       `[].lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)`,
		"fill of an array-like": `Array.prototype.fill.call(Object.defineProperty({ length: 1e12 }, 0, { get() {}, set() {} }), 0, 2)`,
		"caught array-like":     `for (;;) try { [].includes.call({ length: 1e12 }, 1) } catch {} finally { continue }`,
		"reverse":               `[].reverse.call({ length: 1e15 })`,
		"sparse sort":           `const c = []; c[4e9] = 1; c.sort()`,
	} {
		t.Run(name, func(t *testing.T) {
			vm := newVM(t, Limits{Time: 50 * time.Millisecond})
			began := time.Now()
			_, err := eval(t, vm, source)
			var timeout *TimeoutError
			if !errors.As(err, &timeout) || err.Error() != "Script execution timed out after 50ms" {
				t.Errorf("error %v", err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
			if name == "promise jobs" {
				return // these go on with each call
			}
			if v, err := eval(t, vm, `1 + 1`); err != nil || v.Num() != 2 {
				t.Errorf("after it: %v, %v", v, err)
			}
		})
	}
}

func TestInterruptFromOutside(t *testing.T) {
	vm := newVM(t, Limits{Time: time.Minute})
	started := make(chan struct{})
	f, err := vm.Function("started", func([]value.Value) (value.Value, error) { close(started); return value.Value{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Free(f)
	loop, err := vm.Eval("test", `(started) => { started(); for (;;) {} }`)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Free(loop)
	done := make(chan struct{})
	go func() { defer close(done); <-started; vm.Interrupt() }()
	_, err = vm.Call(loop, f)
	<-done
	var timeout *TimeoutError
	if !errors.As(err, &timeout) {
		t.Errorf("error %v", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	for name, source := range map[string]string{
		"array":   `{ const a = []; for (;;) a.push(new Array(1000).fill(0)) }`,
		"string":  `{ let s = "x"; for (;;) s += s + "y" }`,
		"caught":  `{ const a = []; for (;;) try { a.push("x".repeat(100000) + a.length) } catch (e) { throw e } }`,
		"buffers": `{ const a = []; for (;;) a.push(Buffer.alloc(1 << 20)) }`,
	} {
		t.Run(name, func(t *testing.T) {
			vm := newVM(t, Limits{Memory: 8 << 20, Time: 20 * time.Second})
			_, err := eval(t, vm, source)
			var memory *MemoryError
			if name == "string" && err != nil && strings.Contains(err.Error(), "string too long") {
				return
			}
			if !errors.As(err, &memory) || !vm.Exhausted() {
				t.Errorf("error %v, exhausted %v", err, vm.Exhausted())
			}
			if vm.Used() > 9<<20 {
				t.Errorf("%d bytes used", vm.Used())
			}
		})
	}
}

func TestRecursionIsBounded(t *testing.T) {
	vm := newVM(t, Limits{})
	_, err := eval(t, vm, `(function f() { return f() + 1 })()`)
	var e *Error
	if !errors.As(err, &e) || e.Name != "RangeError" || e.Message != "Maximum call stack size exceeded" {
		t.Errorf("error %v", err)
	}
}

func TestErrorsTellWhereAndWhat(t *testing.T) {
	vm := newVM(t, Limits{})
	for _, tt := range []struct {
		source, want string
		line         int
	}{
		{"\n  nothere()", "ReferenceError: nothere is not defined", 2},
		{"let o;\no.a.b", "TypeError: Cannot read properties of undefined (reading 'a')", 2},
		{"const c = 1;\n\nc = 2", "TypeError: Assignment to constant variable.", 3},
		{"throw new RangeError('mine')", "RangeError: mine", 1},
		{"let 5", "SyntaxError: ", 1},
		{"throw 'text'", "text", 0},
		{"throw { a: 1 }", `{"a":1}`, 0},
		{"throw null", "null", 0},
	} {
		_, err := eval(t, vm, "(() => {"+tt.source+"})()")
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Error(), tt.want) || e.Line != tt.line {
			t.Errorf("%q: %v in line %d", tt.source, err, e.Line)
		}
	}
	if _, err := eval(t, vm, `throw Object.assign(new Error("x", { cause: { y: 1 } }), { code: "E_X" })`); err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Code != "E_X" || value.JSON(e.Cause) != `{"y":1}` {
			t.Errorf("%+v", e)
		}
	}
}

type thing struct{ name string }

func (p *thing) Property(key string) value.Value {
	if key == "name" {
		return value.Str(p.name)
	}
	return value.Value{}
}

func TestHandlesStayTheSame(t *testing.T) {
	vm := newVM(t, Limits{})
	p := &thing{"response"}
	in, err := vm.From(value.MapOf("res", value.Opaque(p), "again", value.Opaque(p)).Value())
	if err != nil {
		t.Fatal(err)
	}
	f, err := vm.Eval("test", `(m) => { m.seen = [m.res.name, m.res.other, m.res === m.again]; return m }`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := vm.Call(f, in)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vm.To(out)
	if err != nil || v.Map().Get("res").Handle() != p || value.JSON(v.Map().Get("seen")) != `["response",null,true]` {
		t.Errorf("%s, %v", value.JSON(v.Map().Get("seen")), err)
	}
	for _, r := range []Ref{in, f, out} {
		vm.Free(r)
	}
	if _, err := eval(t, vm, `0`); err != nil || len(vm.handles.last) != 0 {
		t.Errorf("%d handles are kept", len(vm.handles.last))
	}
}

func TestHostFunctions(t *testing.T) {
	vm := newVM(t, Limits{})
	for name, f := range map[string]Host{
		"panics": func([]value.Value) (value.Value, error) { panic("ouch") },
		"fails": func([]value.Value) (value.Value, error) {
			return value.Value{}, &Error{Name: "TypeError", Message: "no"}
		},
		"adds": func(a []value.Value) (value.Value, error) { return value.Num(a[0].Num() + a[1].Num()), nil },
	} {
		r, err := vm.Function(name, f)
		if err != nil {
			t.Fatal(err)
		}
		run, err := vm.Eval("test", `(f) => { try { return f(1, 2) } catch (e) { return String(e) } }`)
		if err != nil {
			t.Fatal(err)
		}
		out, err := vm.Call(run, r)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := vm.To(out)
		want := map[string]string{"panics": `"Error: internal error in panics: ouch"`, "fails": `"TypeError: no"`, "adds": "3"}[name]
		if show(v) != want {
			t.Errorf("%s: %s", name, show(v))
		}
		for _, r := range []Ref{r, run, out} {
			vm.Free(r)
		}
	}
}

// What one script does to its prototypes reaches neither crossing nor another VM.
func TestIsolation(t *testing.T) {
	evil, other := newVM(t, Limits{}), newVM(t, Limits{})
	_, err := eval(t, evil, `
		Object.prototype.polluted = 1; Array.prototype.push = null; Date.prototype.getTime = () => 7;
		Object.defineProperty(Object.prototype, "payload", { set() { throw 1 }, get() { return 2 } });
		Function.prototype.call = null; Uint8Array.prototype.set = null; globalThis.Buffer = 1; 0`)
	if err != nil {
		t.Fatal(err)
	}
	in := `{"payload":1,"__proto__":{"x":1},"constructor":2}`
	parsed, err := value.ParseString(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evil.From(parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer evil.Free(r)
	if v, err := evil.To(r); err != nil || value.JSON(v) != in {
		t.Errorf("%s, %v", value.JSON(v), err)
	}
	if v, err := eval(t, evil, `new Date(5)`); err != nil || v.Num() != 5 {
		t.Errorf("date %v, %v", v.Num(), err)
	}
	if v, err := eval(t, other, `[typeof ({}).polluted, typeof Buffer, typeof [].push, Object.getOwnPropertyNames(globalThis).filter((n) => /std|os|load|support|host/.test(n))]`); err != nil ||
		value.JSON(v) != `["undefined","function","function",[]]` {
		t.Errorf("%s, %v", value.JSON(v), err)
	}
	for _, source := range []string{`import("std")`, `require("fs")`, `process.exit()`, `std.exit(1)`, `os.exec(["ls"])`} {
		if v, err := eval(t, other, source); err == nil && v.Defined() && value.JSON(v) != "{}" {
			t.Errorf("%s gives %s", source, value.JSON(v))
		}
	}
}

func TestManyVMsLeaveNothing(t *testing.T) {
	for range 50 {
		vm, err := New(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := eval(t, vm, `Buffer.from("abc").toString("hex") + new URL("http://x/").href`); err != nil {
			t.Fatal(err)
		}
		vm.Close()
	}
	n := 0
	vms.Range(func(any, any) bool { n++; return true })
	if n != 0 {
		t.Errorf("%d VMs are still registered", n)
	}
}

// Nothing of a message stays behind, whatever it holds and however its call ends.
func TestCallsLeaveNothing(t *testing.T) {
	vm := newVM(t, Limits{})
	message := value.MapOf("text", "a text", "n", 1.5, "b", []byte("bytes"), "list", []string{"a", "b"}, "date", value.Time(time.Now()),
		"res", value.Opaque(&thing{"r"}), "deep", value.MapOf("x", value.MapOf("y", 1))).Value()
	for name, body := range map[string]string{
		"returned": `(m) => { m.copy = m.deep; m.d2 = new Date(m.date); m.b2 = Buffer.concat([m.b, m.b]); return m }`,
		"thrown":   `(m) => { throw new Error("no", { cause: m.deep }) }`,
		"refused":  `(m) => { m.m = m; return m }`,
		"async":    `async (m) => { await null; return m }`,
		"rejected": `async (m) => { await null; throw m }`,
	} {
		f, err := vm.Eval("test", body)
		if err != nil {
			t.Fatal(err)
		}
		var before int64
		for i := range 3000 {
			if i == 1000 {
				vm.RunGC()
				before = vm.Used()
			}
			in, err := vm.From(message)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := vm.Call(f, in); err == nil {
				_, _ = vm.To(out) // refused for one of them
				vm.Free(out)
			}
			vm.Free(in)
			vm.Rejected()
		}
		vm.RunGC()
		if grown := vm.Used() - before; grown > 16<<10 {
			t.Errorf("%s: %d bytes stay behind 2000 calls", name, grown)
		}
		vm.Free(f)
	}
}
