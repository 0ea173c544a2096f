package flow

import (
	"math"

	"tsunagi/internal/flow/value"
)

// Config are the fields of a node with the environment put in. Flow files of all ages write
// booleans and numbers as texts, too; the getters take both.
type Config struct {
	o *value.Map
	b *Base
}

// Get returns a field, undefined when it is absent.
func (c Config) Get(key string) value.Value { return c.o.Get(key) }

// Has says whether the field is there.
func (c Config) Has(key string) bool { return c.o.Has(key) }

// Root are all fields, to read.
func (c Config) Root() *value.Map { return c.o }

// Str returns a field as text; "" when it is absent or null.
func (c Config) Str(key string) string {
	v := c.o.Get(key)
	if v.Nullish() {
		return ""
	}
	return v.Text()
}

// StrOr is Str with a default for an empty field.
func (c Config) StrOr(key, empty string) string {
	if s := c.Str(key); s != "" {
		return s
	}
	return empty
}

// Bool says whether a field is true or "true".
func (c Config) Bool(key string) bool {
	v := c.o.Get(key)
	return v.Bool() || v.Str() == "true"
}

// BoolOr is Bool with a default for what is neither true nor false.
func (c Config) BoolOr(key string, other bool) bool {
	switch v := c.o.Get(key); {
	case v.Is(value.Bool):
		return v.Bool()
	case v.Str() == "true":
		return true
	case v.Str() == "false":
		return false
	}
	return other
}

// Num returns a field as number; the default is for what is absent, empty or no number.
func (c Config) Num(key string, other float64) float64 {
	v := c.o.Get(key)
	if v.Nullish() || v.Is(value.String) && v.Str() == "" {
		return other
	}
	if f := v.ToNumber(); !math.IsNaN(f) {
		return f
	}
	return other
}

// Int is Num as an int.
func (c Config) Int(key string, other int) int { return int(c.Num(key, float64(other))) }

// Refuse makes the error about an option that can't be run. With a value, it is that value
// of the option that can't.
func (c Config) Refuse(option, val string) error {
	return &Unsupported{Type: c.b.def.typ, Option: option, Value: val}
}

// Property compiles what a typed input of the dialog holds; see Base.Property.
func (c Config) Property(key, typeKey string) (*Property, error) {
	return c.b.Property(c.o.Get(key), c.Str(typeKey))
}
