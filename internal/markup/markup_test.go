package markup

import "testing"

func TestFill(t *testing.T) {
	tests := []struct {
		name, shape string
		values      Values
		want        HTML
	}{
		{"text is escaped", "<p>{{a}}</p>", Values{"a": `<b>&"'`}, "<p>&lt;b&gt;&amp;&#34;&#39;</p>"},
		{"attributes are escaped", `<a title="{{a}}">`, Values{"a": `" onclick="x`}, `<a title="&#34; onclick=&#34;x">`},
		{"markup stands as it is", "{{a}}{{b}}", Values{"a": HTML("<b>"), "b": "<b>"}, "<b>&lt;b&gt;"},
		{"a value holds no places", "{{a}}{{b}}", Values{"a": "{{b}}", "b": "x"}, "{{b}}x"},
		{"single braces are text", "p { color: red; }{{a}}", Values{"a": ""}, "p { color: red; }"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Fill(tt.shape, tt.values); got != tt.want {
				t.Errorf("Fill(%q, %v) = %q, want %q", tt.shape, tt.values, got, tt.want)
			}
		})
	}
}

func TestFillFaults(t *testing.T) {
	for _, shape := range []string{"{{other}}", "{{number}}", "{{text"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Fill(%q) did not panic", shape)
				}
			}()
			Fill(shape, Values{"text": "x", "number": 1})
		}()
	}
}

func TestWhenAndEach(t *testing.T) {
	if got := When(false, "{{missing}}", nil); got != "" {
		t.Errorf("When(false) = %q", got)
	}
	if got := When(true, "<b>{{a}}</b>", Values{"a": "<"}); got != "<b>&lt;</b>" {
		t.Errorf("When(true) = %q", got)
	}
	got := Each([]string{"a", "<"}, "<li>{{x}}</li>", func(s string) Values { return Values{"x": s} })
	if got != "<li>a</li><li>&lt;</li>" {
		t.Errorf("Each = %q", got)
	}
}
