package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/pflag"
)

// operation is a command that is one call of the API: a line of a table says all of it.
type operation struct {
	words   string
	args    string // names of the arguments, as "INSTANCE CLIENT"; one that isn't in the path is a field: NAME, or TEXT=field
	at      string // "POST /instances/INSTANCE/bridges": method and path with the names of arguments in it
	help    string
	options []option
	show    view

	about bool   // it has --account: what it is about isn't in the path
	sure  string // it wants --yes, for this reason
	fixed fields // of the body, always
	// instead is another call where a switch says so; the switch is no field.
	instead map[string]string
	// prepare changes what is sent.
	prepare func(*call, fields) error
}

// fields are those of a body or a query.
type fields map[string]any

// kind says what an option takes.
type kind int

const (
	text   kind = iota
	number      // an integer
	yes         // a switch; --name=false switches off
	words       // a list with commas
	each        // a list: the flag is given again for each
	file        // the text of a file, - for standard input
	secret      // the first line of standard input, for --name-stdin
)

// option is a flag of a command, and a field of what is sent.
type option struct {
	name string
	kind kind
	help string
	to   string // see as ["-" in name becomes "_"]
	need bool
	read func(string) (any, error) // of each; nil: as it is
}

func (o option) field() string {
	if o.to != "" {
		return strings.TrimPrefix(o.to, "?")
	}
	return strings.ReplaceAll(o.name, "-", "_")
}

// flag is the flag's name.
func (o option) flag() string {
	if o.kind == secret {
		return o.name + "-stdin"
	}
	return o.name
}

func (o option) add(f *pflag.FlagSet) {
	help := o.help
	if o.need {
		help += " (needed)"
	}
	switch o.kind {
	case text, file:
		f.String(o.name, "", help)
	case number:
		f.Int(o.name, 0, help)
	case yes:
		f.Bool(o.name, false, help)
	case words:
		f.StringSlice(o.name, nil, help)
	case each:
		f.StringArray(o.name, nil, help)
	case secret:
		f.Bool(o.flag(), false, "read "+help+" from the first line of standard input")
	}
}

// value is what the flag says.
func (o option) value(k *call) (any, error) {
	switch o.kind {
	case number:
		return k.number(o.name), nil
	case yes:
		return k.on(o.name), nil
	case words:
		return append([]string{}, k.list(o.name)...), nil
	case each:
		return o.values(k)
	case file:
		return k.file(o.name)
	case secret:
		return k.secret(o.name)
	}
	return k.text(o.name), nil
}

func (o option) values(k *call) (any, error) {
	given, err := k.flags.GetStringArray(o.name)
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, len(given))
	for _, one := range given {
		var v any = one
		if o.read != nil {
			if v, err = o.read(one); err != nil {
				return nil, &usageError{fmt.Sprintf("--%s %q: %v", o.name, one, err)}
			}
		}
		list = append(list, v)
	}
	return list, nil
}

// op is an operation with what every one has; its methods add the rest.
func op(words, args, at, help string, show view, options ...option) operation {
	return operation{words: words, args: args, at: at, help: help, show: show, options: options}
}

// ofAccount gives it --account.
func (o operation) ofAccount() operation { o.about = true; return o }

// really has it want --yes.
func (o operation) really(why string) operation { o.sure = why; return o }

// with fixes fields of the body.
func (o operation) with(f fields) operation { o.fixed = f; return o }

// or makes another call where the switch is on.
func (o operation) or(name, at string) operation {
	o.instead = map[string]string{name: at}
	return o
}

// after changes what is sent.
func (o operation) after(prepare func(*call, fields) error) operation { o.prepare = prepare; return o }

func opt(name string, k kind, help string) option { return option{name: name, kind: k, help: help} }

// as sends it as another field; "?field" is in the query whatever the method, "@" names the account of the call.
func (o option) as(field string) option { o.to = field; return o }

// needed is an option that must be given.
func (o option) needed() option { o.need = true; return o }

// reading has each of its values read.
func (o option) reading(f func(string) (any, error)) option { o.read = f; return o }

// command is the operation as a line of the table of commands.
func (o operation) command() command {
	var names []string
	for _, one := range strings.Fields(o.args) {
		name, _, _ := strings.Cut(one, "=")
		names = append(names, name)
	}
	return command{o.words, strings.Join(names, " "), o.help, o.flags, o.run}
}

func (o operation) flags(f *pflag.FlagSet) {
	for _, one := range o.options {
		one.add(f)
	}
	if o.sure != "" {
		f.Bool("yes", false, "really: "+o.sure+" (needed)")
	}
	if o.about {
		accountFlag(f)
	}
	o.show.flags(f)
}

// run makes the call and prints the answer.
func (o operation) run(k *call) error {
	if o.sure != "" && !k.on("yes") {
		return &usageError{o.sure + ": want --yes"}
	}
	at := o.at
	for name, other := range o.instead {
		if k.on(name) {
			at = other
		}
	}
	method, path, _ := strings.Cut(at, " ")
	q := request{method: method, query: url.Values{}}
	body := fields{}
	for name, value := range o.fixed {
		body[name] = value
	}
	q.path = o.path(k, path, body)
	if o.about {
		q.account = k.text("account")
	}
	if err := o.read(k, &q, body); err != nil {
		return err
	}
	if o.prepare != nil {
		if err := o.prepare(k, body); err != nil {
			return err
		}
	}
	if method == http.MethodPatch && len(body) == 0 {
		return &usageError{"nothing to change: see --help"}
	}
	if method == http.MethodGet || method == http.MethodDelete {
		for name, value := range body {
			q.query.Set(name, fmt.Sprint(value))
		}
		body = nil
	}
	if len(body) == 0 && !o.takesBody(at) {
		body = nil
	}
	return o.show.print(k, q, body)
}

// takesBody says whether a call has a body even with no field in it.
func (o operation) takesBody(at string) bool {
	return at == o.at && len(o.options) > 0
}

// path puts the arguments into the path; those that aren't in it are fields.
func (o operation) path(k *call, path string, body fields) string {
	parts := strings.Split(path, "/")
	for i, one := range strings.Fields(o.args) {
		name, field, named := strings.Cut(one, "=")
		found := false
		for n, part := range parts {
			if part == name {
				parts[n], found = segment(k.args[i]), true
			}
		}
		if !found {
			if !named {
				field = strings.ToLower(name)
			}
			body[field] = k.args[i]
		}
	}
	return strings.Join(parts, "/")
}

// read puts the flags that were given into the query or the body.
func (o operation) read(k *call, q *request, body fields) error {
	for _, one := range o.options {
		if _, isSwitch := o.instead[one.name]; isSwitch {
			continue
		}
		if !k.flags.Changed(one.flag()) {
			if one.need {
				return &usageError{"want --" + one.flag()}
			}
			continue
		}
		value, err := one.value(k)
		if err != nil {
			return err
		}
		if one.need && value == "" {
			return &usageError{"want --" + one.flag()}
		}
		switch {
		case one.to == "@":
			q.account = plain(value)
		case strings.HasPrefix(one.to, "?"):
			q.query.Set(one.field(), fmt.Sprint(value))
		default:
			body[one.field()] = value
		}
	}
	return nil
}
