package value

import "testing"

const small = `{"id":"dev-17","t":21.5,"loc":{"room":"kitchen","floor":2},"ok":true,"n":12345}`

func BenchmarkParse(b *testing.B) {
	raw := []byte(small)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLazyPass is what JSON costs that is received and sent on without a look.
func BenchmarkLazyPass(b *testing.B) {
	raw := []byte(small)
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		v, err := ParseLazy(raw)
		if err != nil {
			b.Fatal(err)
		}
		buf = Append(buf[:0], v)
	}
}

func BenchmarkAppend(b *testing.B) {
	v, _ := ParseString(small)
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], v)
	}
}

// BenchmarkCloneWrite is a clone whose nested property is written.
func BenchmarkCloneWrite(b *testing.B) {
	v, _ := ParseString(`{"payload":` + small + `,"topic":"t"}`)
	p, _ := ParsePath("payload.loc.room")
	b.ReportAllocs()
	for b.Loop() {
		own := v.Clone().Own()
		if _, err := p.Set(own.Map(), Str("hall"), true, nil); err != nil {
			b.Fatal(err)
		}
	}
}
