package script

import (
	"fmt"
	"testing"

	"tsunagi/internal/flow/value"
)

func TestLayoutIsKnown(t *testing.T) {
	if vm := newVM(t, Limits{}); !laidOut(vm) {
		t.Fatal("the engine's memory is not as layout.go has it: everything is slow")
	}
}

// What scripts do to objects that were made in one piece shows as on those made by the engine's functions, and leaves
// the next object of the same keys alone.
func TestObjectsMadeInOnePiece(t *testing.T) {
	const message = `{"_msgid":"1","payload":{"b":[1,"two",{"c":3}],"a":"x","n":null},"topic":"t é 日本"}`
	bodies := []string{
		`(m) => m`,
		`(m) => { delete m.payload; m.payload = 1; return m }`,
		`(m) => { m[7] = 1; m["4294967294"] = 2; m["4294967295"] = 3; m.x = 4; m[3] = 5; return m }`,
		`(m) => { Object.defineProperty(m, "topic", { get: () => "got", enumerable: true }); return m }`,
		`(m) => { Object.defineProperty(m, "hidden", { value: 1 }); m[Symbol("s")] = 2; m.f = () => 1; m.u = undefined; return m }`,
		`(m) => { Object.freeze(m); try { "use strict"; m.topic = 1 } catch {} return m }`,
		`(m) => Object.setPrototypeOf(m, { inherited: 1 })`,
		`(m) => { m.payload.b.length = 5; m.payload.b.extra = 1; return m }`,
		`(m) => { m.payload.b.length = 1; m.payload.b.push("é"); return m }`,
		`(m) => { m.payload.b = [, 1]; return m }`,
		`(m) => { Object.defineProperty(m.payload.b, 0, { get: () => (m.topic = "changed", "read") }); return m }`,
		`(m) => { m.payload.b[2] = { get a() { m.payload.b.length = 0; return 1 } }; m.payload.b.push(9); return m }`,
		`(m) => { m.me = [m.payload, m.payload]; return m }`,
		`(m) => ({ ...m, keys: Object.keys(m), json: JSON.stringify(m), entries: Object.entries(m.payload) })`,
		`(m) => { const k = []; for (const x in m) k.push(x); m.k = k; m["__proto__"] = 1; return m }`,
		`(m) => JSON.parse('{"__proto__": {"a": 1}, "b": [[], {}, ""]}')`,
		`(m) => { m.long = m.topic.repeat(3) + "rope".repeat(2000); return m }`,
	}
	fast, slow := newVM(t, Limits{}), newVM(t, Limits{})
	slow.shapes.on = false
	in := parsed(t, message)
	for _, body := range bodies {
		for round := range 4 {
			want, err := through(slow, body, in)
			if err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			got, err := through(fast, body, in)
			if err != nil || got != want {
				t.Errorf("%s, round %d:\n%s %v\nwant\n%s", body, round, got, err, want)
			}
		}
	}
	if fast.shapes.nodes == 0 {
		t.Error("no shapes were learnt")
	}
}

func through(vm *VM, body string, in value.Value) (string, error) {
	f, err := vm.Eval("body", body)
	if err != nil {
		return "", err
	}
	defer vm.Free(f)
	r, err := vm.Lend(in)
	if err != nil {
		return "", err
	}
	defer vm.Return(r)
	out, err := vm.Call(f, r)
	if err != nil {
		return "", err
	}
	defer vm.Free(out)
	v, err := vm.To(out)
	return value.Inspect(v), err
}

// A getter that changes what is being read, which no sane script has, does no harm.
func TestGettersThatChangeWhatIsRead(t *testing.T) {
	vm := newVM(t, Limits{})
	in := parsed(t, `{"a":[1,2,3],"topic":"t"}`)
	for _, body := range []string{
		`(m) => { m.a[1] = { get x() { delete m.topic; m.late = 1; m.a = null; return {} } }; return m }`,
		`(m) => { m.a.unshift({ get x() { m.a.length = 1; m.a.push({}, {}); return 1 } }); return m }`,
		`(m) => { m.a[0] = { get x() { m.a[1e6] = 1; for (let i = 0; i < 100; i++) m["k" + i] = {}; return 1 } }; return m }`,
		`(m) => { m.a[0] = { get x() { for (const k in m) delete m[k]; return 1 } }; return [m, m.a] }`,
	} {
		for range 5 {
			if _, err := through(vm, body, in); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

// Objects whose keys are data don't fill the engine: what is remembered is bounded, and begins anew.
func TestShapesAreBounded(t *testing.T) {
	vm := newVM(t, Limits{})
	pass := func(o *value.Map) {
		r, err := vm.From(o.Value())
		if err != nil {
			t.Fatal(err)
		}
		vm.Free(r)
	}
	var most int
	for i := range 3 * maxShapeMiss {
		pass(value.MapOf(fmt.Sprint("k", i%9000), 1, fmt.Sprint("l", i%8999), 2))
		most = max(most, vm.shapes.nodes)
	}
	if most > maxShapes {
		t.Errorf("%d nodes", most)
	}
	vm.RunGC()
	before := vm.Used()
	vm.shapes.forget(vm)
	for range 10_000 {
		pass(value.MapOf("a", "text", "b", value.NewList(value.Int(1), value.Str("é")).Value(), "c", "more"))
	}
	vm.RunGC()
	if grown := vm.Used() - before; grown > 10_000 {
		t.Errorf("the engine has grown by %d bytes", grown)
	}
}

// JSON.parse gives what the engine's own gives, and speaks as V8's does.
func TestJSONParse(t *testing.T) {
	vm := newVM(t, Limits{})
	for source, want := range map[string]string{
		`JSON.stringify(JSON.parse('{"b":1,"a":[1,2.5,-0,"x\\u00e9",null,true],"2":1,"1":2,"b":3}'))`: `{"1":2,"2":1,"b":3,"a":[1,2.5,0,"xé",null,true]}`,
		`Object.is(JSON.parse("-0"), -0)`:                                                             `true`,
		`JSON.parse('"\\ud800"') === "\ud800"`:                                                        `true`,
		`JSON.parse('[1,2]', (k, v) => v === 1 ? 7 : v)`:                                              `[7,2]`,
		`JSON.parse({ toString: () => "[5]" })`:                                                       `[5]`,
		`JSON.parse(Buffer.from("[6]"))`:                                                              `[6]`,
		`JSON.parse("5", null)`:                                                                       `5`,
		`JSON.parse("x".repeat(0) + "[" + "1,".repeat(1000) + "1]").length`:                           `1001`,
		`JSON.parse("[" + "1,".repeat(100000) + "1]").length`:                                         `100001`,
		`JSON.parse("[".repeat(1100) + "]".repeat(1100)).length`:                                      `1`,
		`JSON.parse.length + JSON.parse.name`:                                                         `2parse`,
		`Object.getPrototypeOf(JSON.parse("{}")) === Object.prototype`:                                `true`,
		`Object.keys(JSON).length`:                                                                    `0`,
		`try { JSON.parse("{bad") } catch (e) { e instanceof SyntaxError && e.message }`:              `Expected property name or '}' in JSON at position 1 (line 1 column 2)`,
		`try { JSON.parse() } catch (e) { e.message }`:                                                `"undefined" is not valid JSON`,
		`try { JSON.parse("") } catch (e) { e.message }`:                                              `Unexpected end of JSON input`,
		`try { JSON.parse(Symbol()) } catch (e) { e.name }`:                                           `TypeError`,
		`try { JSON.parse({ toString() { throw new RangeError("mine") } }) } catch (e) { e.message }`: `mine`,
	} {
		v, err := eval(t, vm, source)
		got := v.ToText()
		if v.Is(value.Array) || v.Is(value.Object) {
			got = value.JSON(v)
		}
		if err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", source, got, err, want)
		}
	}
}
