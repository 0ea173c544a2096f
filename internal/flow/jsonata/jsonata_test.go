package jsonata

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/flow/value"
)

const testDoc = `{"t":21.5,"name":"kitchen","list":[4,8,15],"none":null,
"rooms":[{"n":"a","s":[{"id":1,"v":10},{"id":2,"v":30}]},{"n":"b","s":[{"id":3,"v":20}]}]}`

func TestLanguage(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"field", `t`, `21.5`},
		{"missing", `x.y`, `undefined`},
		{"null is a value", `none`, `null`},
		{"a sequence of one collapses", `rooms[0].s[0].id`, `1`},
		{"[] keeps it", `rooms[1].s.id[]`, `[3]`},
		{"flattening", `rooms.s.id`, `[1,2,3]`},
		{"predicate binds to the step", `rooms.s[0].id`, `[1,3]`},
		{"predicate on the whole", `(rooms.s)[0].id`, `1`},
		{"negative index", `list[-1]`, `15`},
		{"index list", `list[[0,2]]`, `[4,15]`},
		{"wildcard", `rooms[0].*[0]`, `"a"`},
		{"descendants", `**.id`, `[1,2,3]`},
		{"parent", `rooms.s.{"id":id,"n":%.n}`, `[{"id":1,"n":"a"},{"id":2,"n":"a"},{"id":3,"n":"b"}]`},
		{"context variable", `rooms@$r.($r.n & name)`, `["akitchen","bkitchen"]`},
		{"position variable", `rooms#$i.($i & n)`, `["0a","1b"]`},
		{"order", `rooms.s^(>v).id`, `[2,3,1]`},
		{"grouping", `rooms.s{n:v, "all":$sum(v)}`, `{"all":60}`},
		{"array constructor", `rooms.[n]`, `[["a"],["b"]]`},
		{"range", `[1..3,5]`, `[1,2,3,5]`},
		{"elvis", `name ?: "x"`, `"kitchen"`},
		{"coalescing", `x ?? "x"`, `"x"`},
		{"chain", `name ~> $uppercase ~> $substring(0, 3)`, `"KIT"`},
		{"composition", `($f := $trim ~> $length; $f("  ab "))`, `2`},
		{"closure", `($add := function($a){function($b){$a+$b}}; $add(1)(2))`, `3`},
		{"partial application", `($f := $substring(?, 0, 2); $f(name))`, `"ki"`},
		{"tail calls need no stack", `($f := function($n){$n = 0 ? "end" : $f($n-1)}; $f(50000))`, `"end"`},
		{"transform leaves the input", `[rooms[0] ~> |s|{"v":0},"id"|, rooms[0].s[0].v]`, `[{"n":"a","s":[{"v":0},{"v":0}]},10]`},
		{"regex with lookahead", `$match(name, /k(?=i)/).index`, `0`},
		{"date picture", `$fromMillis(1509380732935, "[D1o] [MNn] [Y]")`, `"30th October 2017"`},
		{"number picture", `$formatNumber(1234.5, "#,##0.00")`, `"1,234.50"`},
		{"fractions have 15 digits as text", `"" & (0.1 + 0.2)`, `"0.3"`},
		{"keys keep JavaScript's order", `{"b":1,"2":2,"1":3}`, `{"1":3,"2":2,"b":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, code, _ := evaluate(t, tt.src, testDoc); got != tt.want {
				t.Errorf("%s = %s %s, want %s", tt.src, got, code, tt.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		src, code string
		pos       int
	}{
		{`"abc`, "S0101", 4},
		{`1 +`, "S0207", 3},
		{`(1`, "S0203", 2},
		{`a.1`, "S0213", 3},
		{`%`, "S0217", 0},
		{`1 + "a"`, "T2002", 3},
		{`"é😀" + 1`, "T2001", 7},
		{`sum(1)`, "T1005", 4},
		{`$nosuch()`, "T1006", 8},
		{`$uppercase(1)`, "T0410", 11},
		{`$sum("a")`, "T0412", 5},
		{`{"a":1,"a":2}`, "D1009", 1},
		{`[1..20000000]`, "D2014", 4},
		{`$string(1/0)`, "D3001", 8},
		{`$error("no")`, "D3137", 7},
		{`/(/`, "S0302", 3},
		{`/a{2,1}/`, "S0303", 8},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			got, code, pos := evaluate(t, tt.src, testDoc)
			if code != tt.code || pos != tt.pos {
				t.Errorf("error %q at %d (result %s), want %q at %d", code, pos, got, tt.code, tt.pos)
			}
		})
	}
}

// TestOddNumbers calls functions with what no flow should give them: none may panic.
func TestOddNumbers(t *testing.T) {
	odd := []string{"(0/0)", "(1/0)", "(-1/0)", "1e300", "-1e300", "0.5", "-1"}
	for _, call := range []string{`$substring("abc",?1)`, `$substring("abc",1,?1)`, `$pad("a",?1)`, `$formatBase(5,?1)`, `$formatBase(?1,7)`,
		`$round(1.5,?1)`, `$round(?1)`, `$formatNumber(?1,"0.0")`, `$formatNumber(?1,"0e0")`, `$formatInteger(?1,"w")`, `$formatInteger(?1,"I")`,
		`$formatInteger(?1,"a")`, `$formatInteger(?1,"0")`, `$fromMillis(?1)`, `$fromMillis(0,"[Z]","9999999999999")`, `[1,2][?1]`, `[1,2,3][[?1]]`,
		`$split("a,b",",",?1)`, `$split("a,b",/,/,?1)`, `$replace("ab","a","b",?1)`, `$match("ab",/a/,?1)`, `[1..?1]`, `$power(2,?1)`, `$split("\ud800,b",/,/)`,
		`$replace("a\ud800b",/b/,"c")`, `$match("\ud800b",/b/)`, `$sqrt(?1)`, `$string(?1)`, `$sum([?1])`, `-?1`, `?1 % ?1`} {
		for _, n := range odd {
			evaluate(t, strings.ReplaceAll(call, "?1", n), testDoc)
		}
	}
}

// TestMessages makes each message once: none has a hole left, and large values are cut.
func TestMessages(t *testing.T) {
	big := value.NewList()
	for range 1000 {
		big.Append(value.Str("secret"))
	}
	for code := range messages {
		e := &Error{Code: code, Token: "T", Text: "text", Value: big.Value(), Other: value.Int(1), Index: 1}
		if m := e.Error(); m == "" || strings.ContainsAny(m, "{}") || len(m) > 300 {
			t.Errorf("%s: %q", code, m)
		}
	}
}

func TestLimits(t *testing.T) {
	limits := Limits{Depth: 50, Sequence: 1000, String: 2000}
	tests := []struct {
		name, src string
		want      error
	}{
		{"recursion", `($f := function($n){1 + $f($n)}; $f(1))`, ErrDepth},
		{"recursion through $map", `($f := function($n){$map([1], $f)}; $f(1))`, ErrDepth},
		{"recursion through $eval", `($f := "$eval($f)"; $eval($f))`, ErrDepth},
		{"recursion through a deep expression", `($f := function($n){` + strings.Repeat("1+", 4000) + `$f($n)}; $f(1))`, ErrDepth},
		{"chain", strings.Repeat("1+", 6000) + "1", ErrNesting},
		{"range", `[1..1001]`, ErrSequence},
		{"append", `$reduce([1..20], function($a,$b){$append($a,$a)}, [1])`, ErrSequence},
		{"path", `[1..1000].$append($, 1)`, ErrSequence},
		{"concatenation", `$reduce([1..20], function($a,$b){$a & $a}, "abc")`, ErrString},
		{"pad", `$pad("a", 1e9)`, ErrString},
		{"join", `$join([1..999].("abcdef"))`, ErrString},
		{"replace", `$replace($pad("",1000,"a"), "a", "aaaa")`, ErrString},
		{"string of shared parts", `$string($reduce([1..40], function($a,$b){{"x":$a,"y":$a}}, 1))`, ErrString},
		{"clone of shared parts", `$clone($reduce([1..40], function($a,$b){{"x":$a,"y":$a}}, {"a":1}))`, ErrString},
		{"equality of shared parts", `($f := function(){$reduce([1..20], function($a,$b){{"x":$a,"y":$a}}, 1)}; $f() = $f())`, nil},
		{"a result of shared parts", `$reduce([1..40], function($a,$b){[$a,$a,[$a]]}, 1)`, ErrSequence},
		{"a result of shared objects", `$reduce([1..40], function($a,$b){{"x":$a,"y":$a}}, 1)`, ErrString},
		{"source", strings.Repeat(" ", maxSource+1), ErrSource},
		{"copies of ??", strings.Repeat("(a??", 40) + "1" + strings.Repeat(")??1", 40), nil},
		{"brackets", strings.Repeat("(", 2000), ErrNesting},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			e, err := Compile(tt.src, Options{Limits: limits})
			if err == nil {
				_, err = e.Eval(ctx, value.MapOf("a", 1).Value(), nil)
			}
			if tt.want != nil && !errors.Is(err, tt.want) || errors.Is(err, ErrTime) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestContextStopsAnEvaluation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, src := range []string{
			`($f := function($n){$f($n+1)}; $f(1))`,
			`$map([1..100000], function($v){$map([1..100000], function($w){$v*$w})})`,
			`[1..100000].([1..100000].$)`,
			`$reduce([1..1000000], function($a,$b){$sort([1..10000], function($x,$y){$x<$y})})`,
		} {
			e, err := Compile(src, Options{})
			if err != nil {
				t.Fatal(err)
			}
			ctx := &countdown{Context: t.Context(), left: 50}
			_, err = e.Eval(ctx, value.Nil(), nil)
			if !errors.Is(err, ErrTime) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: error %v, want %v", src, err, ErrTime)
			}
		}
	})
}

// countdown is a context that ends after it was asked so many times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func TestOptions(t *testing.T) {
	var calls int
	broken := errors.New("store is closed")
	o := Options{
		Vars: map[string]value.Value{"site": value.Str("north")},
		Now:  func() time.Time { return time.UnixMilli(1509380732935) },
		Functions: map[string]Function{
			"flowContext": {Signature: "<s-s?:x>", Arity: 2, Call: func(_ context.Context, args []value.Value) (value.Value, error) {
				calls++
				return value.Str("flow." + args[0].Str()), nil
			}},
			"broken": {Call: func(context.Context, []value.Value) (value.Value, error) { return value.Value{}, broken }},
			"coded": {Call: func(context.Context, []value.Value) (value.Value, error) {
				return value.Value{}, &Error{Code: "D3137", Text: "own"}
			}},
		},
	}
	tests := []struct{ src, want, code string }{
		{`$flowContext("a")`, `"flow.a"`, ""},
		{`["a","b"].$flowContext()`, `["flow.a","flow.b"]`, ""},
		{`$map(["a"], $flowContext)`, ``, "T0410"},
		{`$flowContext(1)`, ``, "T0410"},
		{`$site & $extra`, `"north!"`, ""},
		{`($site := "south"; $site)`, `"south"`, ""},
		{`$broken()`, ``, "D3142"},
		{`$coded()`, ``, "D3137"},
		{`$now()`, `"2017-10-30T16:25:32.935Z"`, ""},
		{`$millis()`, `1509380732935`, ""},
	}
	for _, tt := range tests {
		e, err := Compile(tt.src, o)
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Eval(t.Context(), value.Nil(), map[string]value.Value{"extra": value.Str("!")})
		var failed *Error
		if tt.code != "" {
			if !errors.As(err, &failed) || failed.Code != tt.code || failed.Position == 0 {
				t.Errorf("%s: error %v, want %s with its position", tt.src, err, tt.code)
			}
			if tt.code == "D3142" && !errors.Is(err, broken) {
				t.Errorf("%s: error %v hides its cause", tt.src, err)
			}
			continue
		}
		if err != nil || value.JSON(v) != tt.want {
			t.Errorf("%s = %s, %v, want %s", tt.src, value.JSON(v), err, tt.want)
		}
	}
	if calls != 3 {
		t.Errorf("$flowContext was called %d times, want 3", calls)
	}
	if _, err := Compile("1", Options{Functions: map[string]Function{"f": {Signature: "<n<n>>"}}}); err == nil {
		t.Error("a wrong signature was accepted")
	}
}

// TestReuse evaluates one expression from many goroutines, each with its own input.
func TestReuse(t *testing.T) {
	e, err := Compile(`($f := function($x){$x ~> /k/ ? $uppercase($x) : $x}; rooms.s{$string(id): $f($$.name)})`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				in, err := value.ParseString(testDoc)
				if err != nil {
					t.Error(err)
					return
				}
				v, err := e.Eval(t.Context(), in, nil)
				if want := `{"1":"KITCHEN","2":"KITCHEN","3":"KITCHEN"}`; err != nil || value.JSON(v) != want {
					t.Errorf("got %s, %v, want %s", value.JSON(v), err, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestResultsAreShared writes to the input after the evaluation: the result stays.
func TestResultsAreShared(t *testing.T) {
	for _, src := range []string{`rooms`, `{"r":rooms}`, `[rooms]`, `rooms[n="a"]`, `$map(rooms, function($r){$r})`, `$merge([{"r":rooms}])`, `$append(rooms, 1)`} {
		in, err := value.ParseString(testDoc)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Compile(src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := e.Eval(t.Context(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := value.JSON(v)
		p, err := value.ParsePath("rooms[0].n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Set(in.Own().Map(), value.Str("changed"), true, nil); err != nil {
			t.Fatal(err)
		}
		if got := value.JSON(v); got != want {
			t.Errorf("%s: the result became %s", src, got)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, file := range []string{"paths", "operators", "functions", "syntax"} {
		for _, src := range expressions(f, "testdata/"+file+".jsonata") {
			f.Add(src)
		}
	}
	doc, err := value.ParseString(testDoc)
	if err != nil {
		f.Fatal(err)
	}
	limits := Limits{Depth: 50, Sequence: 2000, String: 20_000}
	f.Fuzz(func(t *testing.T, src string) {
		hang := time.AfterFunc(5*time.Second, func() { panic("no end: " + src) })
		defer hang.Stop()
		e, err := Compile(src, Options{Limits: limits})
		if err != nil {
			var failed *Error
			if !errors.As(err, &failed) || failed.Error() == "" {
				t.Errorf("%q: error %v has no code", src, err)
			}
			return
		}
		v, err := e.Eval(&countdown{Context: t.Context(), left: 100}, doc.Clone(), nil)
		if err == nil {
			value.JSON(v)
		}
	})
}
