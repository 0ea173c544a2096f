package jsonata

import (
	"testing"

	"tsunagi/internal/flow/value"
)

// BenchmarkEval are the expressions that runtime-notes measured with the original.
func BenchmarkEval(b *testing.B) {
	in, err := value.ParseString(`{"payload":{"id":"dev-17","t":21.5,"n":3,"list":[4,8,15,16,23,42],"rows":[{"k":1,"ok":true},{"k":2,"ok":false},{"k":3,"ok":true}]},"topic":"a/b"}`)
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct{ name, src string }{
		{"field", `payload.t`},
		{"arithmetic", `payload.t * 1.8 + 32`},
		{"object", `{"id": payload.id, "t": payload.t, "f": payload.t * 1.8 + 32, "topic": topic & "/x"}`},
		{"sum", `$sum(payload.list)`},
		{"filter", `payload.rows[ok].k`},
		{"map", `$map(payload.list, function($v){ $v * 2 })`},
		{"upper", `$uppercase(payload.id)`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			e, err := Compile(bm.src, Options{})
			if err != nil {
				b.Fatal(err)
			}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(ctx, in, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`payload.rows[ok and k > 1].{"k": k, "n": $uppercase($$.topic)}`, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
