package value

import "testing"

func TestWeightIsAboutTheSize(t *testing.T) {
	long := make([]byte, 100_000)
	numbers, texts := NewList(), NewList()
	for i := range 10_000 {
		numbers.Append(Int(i))
		texts.Append(Str(string(long[:i%100])))
	}
	rows := NewList()
	for i := range 1000 {
		rows.Append(MapOf("id", i, "name", "somebody", "tags", NewList(Str("a"), Str("b")).Value()).Value())
	}
	for name, v := range map[string]Value{"number": Int(1), "text": Str(string(long)), "buffer": Data(long),
		"numbers": numbers.Value(), "texts": texts.Value(), "rows": rows.Value(), "empty": NewMap(0).Value()} {
		got, want := Weight(v), Size(v)
		if got < want/2 || got > want*2 {
			t.Errorf("%s weighs %d, its size is %d", name, got, want)
		}
	}
}

func BenchmarkWeight(b *testing.B) {
	v := MapOf("topic", "a/b", "payload", MapOf("n", 1, "t", 20.5, "room", "kitchen").Value(), "qos", 0, "retain", false, "_msgid", "0123456789abcdef").Value()
	for b.Loop() {
		Weight(v)
	}
}
