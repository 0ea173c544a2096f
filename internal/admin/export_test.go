package admin

import "strings"

// Handmade are the operations whose command is not in the table.
var Handmade = handmade

// Operation is a line of the table, as the test of the API's document reads it.
type Operation struct {
	Words, Args string
	At          []string          // what it calls
	Fields      map[string]string // that it may send, with the flag, the argument, or "always"
	Needed      map[string]bool   // of these, those that are always sent
	Query       map[string]bool   // of these, those that are in the query of anything but a GET
	Prepared    bool              // what is sent is changed by hand
	Columns     []string          // of the answer, as paths from its list's items
	List, Each  string
	Only        []string
	Page        string
	Text        bool // the answer is no JSON
	Tidied      bool // the answer is changed before it is printed
}

// Operations are all lines of the table.
func Operations() (list []Operation) {
	for _, o := range operations() {
		one := Operation{Words: o.words, Args: o.args, At: []string{o.at}, Fields: map[string]string{}, Needed: map[string]bool{}, Query: map[string]bool{}, Prepared: o.prepare != nil,
			List: o.show.place(), Each: o.show.each, Only: strings.Fields(o.show.only), Page: o.show.page, Text: o.show.raw || o.show.feed != "", Tidied: o.show.tidy != nil}
		for _, at := range o.instead {
			one.At = append(one.At, at)
		}
		for _, arg := range strings.Fields(o.args) {
			name, field, named := strings.Cut(arg, "=")
			if !named {
				field = strings.ToLower(name)
			}
			if !strings.Contains(o.at+"/", "/"+name+"/") {
				one.Fields[field], one.Needed[field] = name, true
			}
		}
		for name := range o.fixed {
			one.Fields[name], one.Needed[name] = "always", true
		}
		for _, p := range o.options {
			if _, isSwitch := o.instead[p.name]; isSwitch || p.to == "@" {
				continue
			}
			one.Fields[p.field()], one.Needed[p.field()] = "--"+p.flag(), p.need
			one.Query[p.field()] = strings.HasPrefix(p.to, "?")
		}
		for _, c := range columns(o.show.cols) {
			one.Columns = append(one.Columns, c.at)
		}
		list = append(list, one)
	}
	return list
}

// Words are the words of all commands.
func Words() (list []string) {
	for _, c := range commands() {
		list = append(list, c.words)
	}
	return list
}
