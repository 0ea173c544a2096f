package script

import (
	"testing"

	"tsunagi/internal/flow/value"
)

// The bodies and the message of the figures in ARCHITECTURE and the issue.
const (
	typicalMessage = `{"_msgid":"a1b2c3d4e5f60718","topic":"home/1/temp","qos":0,"retain":false,"payload":{"t":21.5,"h":40,"loc":{"room":"kitchen","floor":1},"tags":["a","b"],"ok":true}}`
	typicalBody    = `(msg) => { const p = msg.payload; p.f = p.t * 1.8 + 32; p.alarm = p.f > 80; msg.topic = "out/" + p.loc.room; return msg }`
	jsonMessage    = `{"_msgid":"a1b2c3d4e5f60718","topic":"home/1/temp","qos":0,"retain":false,"payload":"{\"sensor\":\"s1\",\"t\":21.5,\"h\":40,\"seq\":12345,\"loc\":{\"room\":\"kitchen\"}}"}`
	jsonBody       = `(msg) => { const d = JSON.parse(msg.payload); msg.payload = d.t * 1.8 + 32; return msg }`
	heavyBody      = `(msg) => { const s = msg.payload; let crc = 0xffffffff; for (let i = 0; i < s.length; i++) { crc ^= s.charCodeAt(i); for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1 } msg.payload = (crc ^ 0xffffffff) >>> 0; return msg }`
)

func benchmarkBody(b *testing.B, body string, message value.Value) {
	vm := newVM(b, Limits{})
	f, err := vm.Eval("bench", body)
	if err != nil {
		b.Fatal(err)
	}
	defer vm.Free(f)
	b.ReportAllocs()
	for b.Loop() {
		in, err := vm.From(message)
		if err != nil {
			b.Fatal(err)
		}
		out, err := vm.Call(f, in)
		if err != nil {
			b.Fatal(err)
		}
		v, err := vm.To(out)
		if err != nil || !v.Is(value.Object) {
			b.Fatal(err)
		}
		vm.Free(in)
		vm.Free(out)
	}
}

func parsed(b testing.TB, text string) value.Value {
	v, err := value.ParseString(text)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func BenchmarkTypicalBody(b *testing.B) { benchmarkBody(b, typicalBody, parsed(b, typicalMessage)) }
func BenchmarkJSONBody(b *testing.B)    { benchmarkBody(b, jsonBody, parsed(b, jsonMessage)) }

func BenchmarkHeavyBody(b *testing.B) {
	text := make([]byte, 1024)
	for i := range text {
		text[i] = byte('a' + i%26)
	}
	benchmarkBody(b, heavyBody, value.MapOf("payload", string(text)).Value())
}

func BenchmarkEmptyCall(b *testing.B) {
	vm := newVM(b, Limits{})
	f, err := vm.Eval("bench", `() => {}`)
	if err != nil {
		b.Fatal(err)
	}
	defer vm.Free(f)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vm.Call(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCrossing(b *testing.B) {
	vm, message := newVM(b, Limits{}), parsed(b, typicalMessage)
	b.Run("in", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := vm.From(message)
			if err != nil {
				b.Fatal(err)
			}
			vm.Free(r)
		}
	})
	b.Run("out", func(b *testing.B) {
		r, err := vm.From(message)
		if err != nil {
			b.Fatal(err)
		}
		defer vm.Free(r)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := vm.To(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkNewVM(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		vm, err := New(Limits{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(vm.Used()), "js-bytes")
		vm.Close()
	}
}
