package jsonata

import (
	"fmt"
	"strings"

	"tsunagi/internal/flow/value"
)

// Error is a failure of an expression. Code is that of the original implementation: S for
// what Compile refuses, T for a wrong type, D for a wrong value; the limits of this package
// have codes of their own, see Limits.
type Error struct {
	Code     string
	Position int         // in UTF-16 units, behind the token at fault; 0 when unknown
	Token    string      // operator, function or token at fault
	Index    int         // argument at fault, from 1
	Value    value.Value // value at fault
	Other    value.Value // second value of a comparison
	Text     string      // message of $error and $assert, or what was expected
	Cause    error       // context's error behind D1012
}

// Unwrap returns the context's error when the evaluation was interrupted.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is compare codes, so that the Err values below can be looked for.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// What the limits of an evaluation answer, for errors.Is.
var (
	ErrDepth    = &Error{Code: "D1011"}
	ErrTime     = &Error{Code: "D1012"}
	ErrString   = &Error{Code: "D1014"}
	ErrSequence = &Error{Code: "D2015"}
	ErrSource   = &Error{Code: "S0501"}
	ErrNesting  = &Error{Code: "S0502"}
)

// shown bounds how much of a value an error message repeats, in bytes.
const shown = 120

func (e *Error) Error() string {
	format, ok := messages[e.Code]
	if !ok {
		return "JSONata error " + e.Code
	}
	if !strings.ContainsRune(format, '{') {
		return format
	}
	return strings.NewReplacer("{token}", e.Token, "{value}", show(e.Value), "{other}", show(e.Other),
		"{index}", fmt.Sprint(e.Index), "{text}", e.Text).Replace(format)
}

func show(v value.Value) string {
	if fnOf(v) != nil {
		return "a function"
	}
	switch v.Kind() {
	case value.Undefined:
		return "undefined"
	case value.Number:
		return v.Text()
	case value.Array, value.Object:
		if n := size(v, 64); n >= 64 {
			return "a large value"
		}
	}
	text := value.JSON(v)
	if len(text) > shown {
		text = strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}

// size counts the values in v, up to a limit.
func size(v value.Value, limit int) int {
	n := 1
	if l := v.List(); l != nil {
		for _, e := range l.All() {
			if n >= limit {
				break
			}
			n += size(e, limit-n)
		}
	}
	if m := v.Map(); m != nil {
		for _, e := range m.All() {
			if n >= limit {
				break
			}
			n += size(e, limit-n)
		}
	}
	return n
}

// messages says in a sentence what each code means.
var messages = map[string]string{
	"S0101": "This string has no closing quote",
	"S0102": "Number out of range: {token}",
	"S0103": "Unknown escape sequence: \\{token}",
	"S0104": "\\u needs 4 hexadecimal digits behind it",
	"S0105": "This quoted name has no closing backquote (`)",
	"S0106": "This comment is not closed",
	"S0201": "Syntax error: \"{token}\"",
	"S0202": "Expected \"{text}\", got \"{token}\"",
	"S0203": "Expected \"{text}\" before the end of the expression",
	"S0204": "Unknown operator: \"{token}\"",
	"S0206": "Unknown expression: \"{token}\"",
	"S0207": "Unexpected end of expression",
	"S0208": "Parameter {index} of a function must be a variable name (starting with $), not \"{token}\"",
	"S0209": "A predicate cannot stand behind a grouping in the same step",
	"S0210": "A step can have only one grouping",
	"S0211": "The symbol \"{token}\" cannot begin an expression",
	"S0212": "The left side of := must be a variable name (starting with $)",
	"S0213": "The literal {value} cannot be a step of a path",
	"S0214": "The right side of \"{token}\" must be a variable name (starting with $)",
	"S0215": "A context variable must be bound before the predicates of its step",
	"S0216": "A context variable must be bound before the order-by of its step",
	"S0217": "The parent that % asks for cannot be found from here",
	"S0301": "A regular expression cannot be empty",
	"S0302": "This regular expression has no closing /",
	"S0303": "Invalid regular expression: {text}",
	"S0401": "Only functions and arrays take a type parameter in a signature",
	"S0402": "A choice in a signature cannot hold types with parameters",
	"S0501": "The expression is too long",
	"S0502": "The expression is nested too deeply",
	"T0410": "Argument {index} of function \"{token}\" does not match its signature",
	"T0411": "The context value does not fit argument {index} of function \"{token}\"",
	"T0412": "Argument {index} of function \"{token}\" must be an array of {text}",
	"D1001": "Number out of range: {value}",
	"D1002": "Cannot negate a value that is no number: {value}",
	"T1003": "A key of an object must be a string, got {value}",
	"D1004": "The regular expression matches a string of length zero",
	"T1005": "Attempted to call what is no function. Did you mean ${token}?",
	"T1006": "Attempted to call what is no function",
	"T1007": "Attempted to apply partially what is no function. Did you mean ${token}?",
	"T1008": "Attempted to apply partially what is no function",
	"D1009": "Several definitions give the same key: {value}",
	"T1010": "The matcher given to function \"{token}\" does not return an object with match, start, end, groups and next",
	"D1011": "Calls are nested too deeply: look for a recursion without end, or make it a tail call",
	"D1012": "The evaluation took too long and was stopped: {text}",
	"D1013": "This key is reserved: {value}",
	"D1014": "A string would be longer than {value} bytes",
	"T2001": "The left side of \"{token}\" must be a number",
	"T2002": "The right side of \"{token}\" must be a number",
	"T2003": "The left side of the range operator (..) must be a whole number",
	"T2004": "The right side of the range operator (..) must be a whole number",
	"T2006": "The right side of ~> must be a function",
	"T2007": "An order-by cannot compare {value} with {other}: their types differ",
	"T2008": "An order-by compares numbers or strings only",
	"T2009": "The values {value} and {other} on the sides of \"{token}\" must be of one type",
	"T2010": "Both sides of \"{token}\" must be numbers or strings",
	"T2011": "The update of a transform must be an object, not {value}",
	"T2012": "The delete of a transform must be a string or an array of strings, not {value}",
	"T2013": "A transform needs $clone, which is not a function here",
	"D2014": "A range may have at most 10000000 numbers, this one has {value}",
	"D2015": "A sequence would be longer than {value} values",
	"D3001": "A string cannot be made of Infinity or NaN",
	"D3010": "The second argument of $replace cannot be an empty string",
	"D3011": "The fourth argument of $replace must be a positive number",
	"D3012": "A match can only be replaced by a string",
	"D3020": "The third argument of $split must be a positive number",
	"D3030": "Cannot make a number of {value}",
	"D3040": "The third argument of $match must be a positive number",
	"D3050": "The second argument of $reduce must be a function with at least two parameters",
	"D3060": "$sqrt has no answer for a negative number: {value}",
	"D3061": "$power gives what is no JSON number: base {value}, exponent {other}",
	"D3070": "$sort without a function sorts arrays of strings or of numbers only",
	"D3080": "A picture can have at most two parts",
	"D3081": "A part of a picture can have only one decimal separator",
	"D3082": "A part of a picture can have only one percent sign",
	"D3083": "A part of a picture can have only one per-mille sign",
	"D3084": "A part of a picture cannot have a percent and a per-mille sign",
	"D3085": "The mantissa of a picture needs at least one digit",
	"D3086": "A part of a picture has a foreign character between its digits",
	"D3087": "In a picture a grouping separator cannot stand beside the decimal separator",
	"D3088": "In a picture the integer part cannot end with a grouping separator",
	"D3089": "In a picture two grouping separators cannot stand together",
	"D3090": "In the integer part of a picture an optional digit cannot follow a required one",
	"D3091": "In the fraction of a picture a required digit cannot follow an optional one",
	"D3092": "A picture with percent or per-mille cannot have an exponent",
	"D3093": "The exponent of a picture must be digits",
	"D3100": "The radix of $formatBase must be between 2 and 36, not {value}",
	"D3110": "$toMillis needs a timestamp in the form of ISO 8601, got {value}",
	"D3120": "Syntax error in the expression given to $eval: {text}",
	"D3121": "Error in the expression given to $eval: {text}",
	"D3130": "A sequence beginning with {value} cannot be formatted or parsed as an integer",
	"D3131": "The digits of a picture must all be of one script",
	"D3132": "Unknown component {value} in a date picture",
	"D3133": "Only months and days have names in a date picture, not {value}",
	"D3134": "A time zone in a date picture has at most four digits",
	"D3135": "A bracket of the date picture is not closed",
	"D3136": "The date picture lacks components that are needed to parse",
	"D3137": "{text}",
	"D3138": "$single expects one match but found more",
	"D3139": "$single expects one match but found none",
	"D3140": "Malformed URL given to ${token}: {value}",
	"D3141": "{text}",
	"D3142": "The function \"{token}\" failed: {text}",
}
