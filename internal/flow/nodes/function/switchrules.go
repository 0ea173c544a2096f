package function

import (
	"math"
	"strings"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// operators are the rules that holds knows.
var operators = map[string]bool{"eq": true, "neq": true, "lt": true, "lte": true, "gt": true, "gte": true, "btwn": true, "cont": true,
	"regex": true, "true": true, "false": true, "null": true, "nnull": true, "empty": true, "nempty": true, "istype": true,
	"head": true, "tail": true, "index": true, "hask": true, "else": true, "jsonata_exp": true}

// holds applies the rule to a property.
func (r *rule) holds(a, b, c value.Value, parts *value.Map) (bool, error) {
	switch r.op {
	case "eq":
		return value.LooseEqual(a, b), nil
	case "neq":
		return !value.LooseEqual(a, b), nil
	case "lt":
		return lt(a, b), nil
	case "lte":
		return lte(a, b), nil
	case "gt":
		return lt(b, a), nil
	case "gte":
		return lte(b, a), nil
	case "btwn":
		return lte(b, a) && lte(a, c) || lte(a, b) && lte(c, a), nil
	case "cont":
		return strings.Contains(a.Text(), b.Text()), nil
	case "regex":
		return r.matches(a, b)
	case "true", "else":
		return a.Bool(), nil
	case "false":
		return a.Is(value.Bool) && !a.Bool(), nil
	case "null":
		return a.Nullish(), nil
	case "nnull":
		return !a.Nullish(), nil
	case "empty":
		n, ok := size(a)
		return ok && n == 0, nil
	case "nempty":
		n, ok := size(a)
		return ok && n != 0, nil
	case "istype":
		return isType(a, b.Text()), nil
	case "hask":
		return hasKey(a, b), nil
	case "jsonata_exp":
		return b.Bool(), nil
	}
	return r.position(b, c, parts)
}

func lt(a, b value.Value) bool {
	less, ok := value.Less(a, b)
	return ok && less
}

func lte(a, b value.Value) bool {
	less, ok := value.Less(b, a)
	return ok && !less
}

func (r *rule) matches(a, b value.Value) (bool, error) {
	re := r.re
	if re == nil {
		var err error
		if re, err = compileRegex(b.Text(), r.ignoreCase); err != nil {
			return false, err
		}
	}
	yes, err := re.MatchString(a.Text())
	if err != nil {
		return false, flow.NewError("the search took too long: %v", err)
	}
	return yes, nil
}

// size is the number of elements, keys or characters of what has any.
func size(a value.Value) (int, bool) {
	switch a.Kind() {
	case value.String:
		return len(a.Str()), true
	case value.Bytes:
		return len(a.Bytes()), true
	case value.Array:
		return a.List().Len(), true
	case value.Object:
		return a.Map().Len(), true
	case value.Date, value.Handle:
		return 0, true
	}
	return 0, false
}

func isType(a value.Value, typ string) bool {
	switch typ {
	case "array":
		return a.Is(value.Array)
	case "buffer":
		return a.Is(value.Bytes)
	case "json":
		_, err := value.ParseString(a.Text())
		return err == nil
	case "null":
		return a.Is(value.Null)
	case "number":
		return a.Is(value.Number) && !math.IsNaN(a.Num())
	}
	return a.TypeOf() == typ && !a.Is(value.Array) && !a.Is(value.Bytes) && !a.Is(value.Null)
}

func hasKey(a, b value.Value) bool {
	if b.TypeOf() == "object" {
		return false
	}
	key := b.Text()
	switch a.Kind() {
	case value.Object:
		return a.Map().Has(key)
	case value.Array, value.String, value.Bytes:
		if key == "length" {
			return !a.Is(value.Bytes)
		}
		n, _ := size(a)
		if a.Is(value.String) {
			n = value.Units(a.Str())
		}
		i, ok := value.ParseInt(key)
		return ok && i >= 0 && int(i) < n && value.Num(i).Text() == key
	}
	return false
}

// position applies the rules about a message's place in its sequence.
func (r *rule) position(b, c value.Value, parts *value.Map) (bool, error) {
	if parts == nil {
		field := "index"
		if r.op == "tail" {
			field = "count"
		}
		return false, &flow.Error{Name: "TypeError", Message: "Cannot read properties of undefined (reading '" + field + "')"}
	}
	index := parts.Get("index").ToNumber()
	switch r.op {
	case "head":
		return index < b.ToNumber(), nil
	case "tail":
		return parts.Get("count").ToNumber()-b.ToNumber() <= index, nil
	}
	return b.ToNumber() <= index && index <= c.ToNumber(), nil
}
