package filling

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Condition is a comparison of one value of a message with a fixed one. Nobody changes it after ParseCondition.
type Condition struct {
	ref    *ref
	op     string
	text   string
	number float64
	isNum  bool
}

// ops in the order in which they are looked for: the longer first.
var ops = []string{"<=", ">=", "!=", "==", "≤", "≥", "≠", "=", "<", ">", "contains"}

// meant are the ops that others are another way to write of.
var meant = map[string]string{"==": "=", "≤": "<=", "≥": ">=", "≠": "!="}

// changed is the comparison with the value before, which has nothing on its right.
const changed = "changed"

// ParseCondition reads "payload.temperature > 30", "topic[1] = kitchen", "payload contains error" or "payload.state
// changed". The value on the right is a number, a word, or a text in double quotes. nil is the condition of an empty text: it always holds. The
// error is in words.
func ParseCondition(text string) (*Condition, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	at, op := -1, ""
	for _, o := range ops {
		if i := strings.Index(text, o); i >= 0 && (at < 0 || i < at) {
			at, op = i, o
		}
	}
	if left, ok := strings.CutSuffix(text, " "+changed); ok && at < 0 {
		at, op = len(left), changed
	}
	if at < 0 {
		return nil, errors.New("want a comparison such as payload.temperature > 30 or payload.state changed")
	}
	left := strings.TrimSpace(text[:at])
	left = strings.TrimSuffix(strings.TrimPrefix(left, "{"), "}")
	r, err := parseRef(left)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("%q is no value of a message: want payload, payload.NAME, topic, topic[0], client, user, qos or retain", left)
	}
	if op == changed {
		return &Condition{ref: r, op: op}, nil
	}
	right := strings.TrimSpace(text[at+len(op):])
	if right == "" {
		return nil, errors.New("want a value behind the comparison")
	}
	if m := meant[op]; m != "" {
		op = m
	}
	c := &Condition{ref: r, op: op, text: right}
	if strings.HasPrefix(right, `"`) {
		if json.Unmarshal([]byte(right), &c.text) != nil {
			return nil, fmt.Errorf("%s is no text in double quotes", right)
		}
	} else if n, err := strconv.ParseFloat(right, 64); err == nil && op != "contains" {
		c.number, c.isNum = n, true
	}
	if strings.ContainsAny(op, "<>") && !c.isNum {
		return nil, fmt.Errorf("want a number behind %s", op)
	}
	return c, nil
}

// Holds says whether a message fulfils the condition. A value that isn't there, or is no number where one is wanted,
// fulfils none but !=. What Changes must have a value only; whether it is another one than before, who keeps that has to
// find out.
func (c *Condition) Holds(m *Message) bool {
	if c == nil {
		return true
	}
	v, ok := c.ref.value(m)
	if !ok {
		return c.op == "!="
	}
	if c.op == changed {
		return true
	}
	s := words(v)
	if c.isNum {
		n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return c.op == "!="
		}
		switch c.op {
		case "=":
			return n == c.number
		case "!=":
			return n != c.number
		case "<":
			return n < c.number
		case "<=":
			return n <= c.number
		case ">":
			return n > c.number
		case ">=":
			return n >= c.number
		}
		return false
	}
	switch c.op {
	case "=":
		return s == c.text
	case "!=":
		return s != c.text
	default:
		return strings.Contains(s, c.text)
	}
}

// Changes says whether the condition compares a value with the one before.
func (c *Condition) Changes() bool { return c != nil && c.op == changed }

// Value is the value that is compared, as text; false where a message has none.
func (c *Condition) Value(m *Message) (string, bool) {
	v, ok := c.ref.value(m)
	if !ok {
		return "", false
	}
	return words(v), true
}
