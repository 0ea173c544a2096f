package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/pflag"
)

// view says how an answer is printed. Zero: every value of it in a row of its own.
type view struct {
	cols string // "ID=id IS_ON=state.on": headings, and where in an item the value is
	from string // where the list is in the answer [items]
	each string // a list in each item that has a row for each of its own items, with those of the item before it
	only string // the values alone that are printed, for scripts
	bare bool   // --json prints the list alone: as it was before there was more to tell
	page string // the parameter that asks for what comes behind the list's last: cursor or before
	most int    // how many of the list are asked for where nobody says; 0: all
	raw  bool   // the answer is no JSON, and copied
	feed string // the answer is a stream of events; the list in each event, "." where it is one thing by itself

	tidy  func(k *call, answer any) (any, error) // changes an answer before it is printed
	check func(answer map[string]any) error      // says what is bad news in an answer, after it is printed
}

func (v view) flags(f *pflag.FlagSet) {
	if v.page != "" {
		most := "all"
		if v.most > 0 {
			most = strconv.Itoa(v.most)
		}
		f.Int("limit", 0, "at most so many ["+most+"]")
		f.String(v.page, "", "go on where a list before ended, with what it told")
	}
	if v.feed != "" {
		f.Int("count", 0, "end after so many lines [never]")
	}
}

// pageSize is how many items are asked for at a time.
const pageSize = 1000

// print makes the call and prints what comes.
func (v view) print(k *call, q request, body fields) error {
	switch {
	case v.raw:
		if err := q.takes(body); err != nil {
			return err
		}
		answer, err := k.client.ask(k.ctx, q)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		return k.copyAnswer(answer)
	case v.feed != "":
		return v.follow(k, q)
	}
	if err := q.takes(body); err != nil {
		return err
	}
	answer, raw, err := v.ask(k, q)
	if err != nil {
		return err
	}
	if raw == nil {
		return nil
	}
	if v.tidy != nil {
		if answer, err = v.tidy(k, answer); err != nil {
			return err
		}
	}
	if err := v.show(k, answer, raw); err != nil || v.check == nil {
		return err
	}
	of, _ := answer.(map[string]any)
	return v.check(of)
}

// ask makes the call; of a list with pages as often as it takes.
func (v view) ask(k *call, q request) (answer any, raw []byte, err error) {
	if v.page == "" {
		return k.client.askJSON(k.ctx, q)
	}
	left := k.number("limit")
	if left == 0 {
		left = v.most
	}
	all := left <= 0
	if after := k.text(v.page); after != "" {
		q.query.Set(v.page, after)
	}
	var whole map[string]any
	items := []any{}
	for {
		size := pageSize
		if !all {
			size = min(size, left)
		}
		q.query.Set("limit", strconv.Itoa(size))
		answer, raw, err = k.client.askJSON(k.ctx, q)
		one, ok := answer.(map[string]any)
		if err != nil || !ok {
			return answer, raw, err
		}
		list, _ := one["items"].([]any)
		items = append(items, list...)
		left -= len(list)
		next := fmt.Sprint(one["next"])
		if whole == nil {
			whole = one
		}
		whole["items"], whole["next"] = items, one["next"]
		if to, ok := one["searched_to"]; ok {
			whole["searched_to"] = to
		}
		if next == "" || !all && left <= 0 {
			return whole, raw, nil
		}
		q.query.Set(v.page, next)
	}
}

// show prints an answer.
func (v view) show(k *call, answer any, raw []byte) error {
	of, _ := answer.(map[string]any)
	if k.json {
		if v.bare {
			answer = v.list(of)
		} else if v.page == "" && v.tidy == nil {
			return k.printRaw(raw)
		}
		return k.print(answer)
	}
	if v.only != "" {
		return v.values(k, of)
	}
	t := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
	_, isList := dig(of, v.place()).([]any)
	switch {
	case isList && v.cols != "":
		v.table(t, of)
	case v.cols != "":
		for _, c := range columns(v.cols) {
			if value := dig(of, c.at); value != nil {
				fmt.Fprintf(t, "%s\t%s\n", strings.ToLower(c.head), cell(value))
			}
		}
	default:
		rowsOf(t, "", answer)
	}
	return t.Flush()
}

// values prints the values of an answer that only names, each in a line.
func (v view) values(k *call, of map[string]any) error {
	for _, at := range strings.Fields(v.only) {
		if value := dig(of, at); value != nil {
			if _, err := fmt.Fprintln(k.out, strings.TrimSuffix(plain(value), "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v view) place() string {
	if v.from != "" {
		return v.from
	}
	return "items"
}

// list is the list in an answer, never nil.
func (v view) list(of map[string]any) []any {
	list, _ := dig(of, v.place()).([]any)
	if list == nil {
		list = []any{}
	}
	return list
}

// table writes the list of an answer.
func (v view) table(t io.Writer, of map[string]any) {
	cols := columns(v.cols)
	var heads []string
	for _, c := range cols {
		heads = append(heads, c.head)
	}
	fmt.Fprintln(t, strings.Join(heads, "\t"))
	for _, item := range v.list(of) {
		for _, one := range v.inner(item) {
			fmt.Fprintln(t, line(cols, one))
		}
	}
	v.foot(t, of)
}

// foot says what there is besides the list, and how to get it.
func (v view) foot(t io.Writer, of map[string]any) {
	next := plain(of["next"])
	if v.page == "before" && next != "" {
		fmt.Fprintf(t, "older: --before %s\n", cell(next))
	}
	if v.page != "cursor" {
		return
	}
	total, _ := strconv.Atoi(plain(of["total"])) // a list that doesn't count has none
	more := max(total-len(v.list(of)), 0)
	switch {
	case next != "" && more > 0:
		fmt.Fprintf(t, "and more\t%d\t--cursor %s\n", more, strconv.Quote(next))
	case next != "":
		fmt.Fprintf(t, "and more\t--cursor %s\n", strconv.Quote(next))
	case more > 0:
		fmt.Fprintf(t, "and more\t%d\n", more)
	}
}

// inner is an item, or one for each of the items in it.
func (v view) inner(item any) []map[string]any {
	of, ok := item.(map[string]any)
	if !ok {
		of = map[string]any{"": item}
	}
	if v.each == "" {
		return []map[string]any{of}
	}
	var out []map[string]any
	list, _ := dig(of, v.each).([]any)
	for _, one := range list {
		both := map[string]any{}
		for name, value := range of {
			both[name] = value
		}
		inner, _ := one.(map[string]any)
		for name, value := range inner {
			both[name] = value
		}
		out = append(out, both)
	}
	return out
}

// column is one of a table.
type column struct{ head, at string }

func columns(text string) (list []column) {
	for _, one := range strings.Fields(text) {
		head, at, _ := strings.Cut(one, "=")
		list = append(list, column{strings.ReplaceAll(head, "_", " "), at})
	}
	return list
}

func line(cols []column, of map[string]any) string {
	var cells []string
	for _, c := range cols {
		cells = append(cells, cell(dig(of, c.at)))
	}
	return strings.Join(cells, "\t")
}

// dig is the value at a path such as state.queued; nil where there is none. Of an item that is a value by itself it is
// at "".
func dig(of map[string]any, at string) any {
	if at == "" {
		return of[""]
	}
	var value any = of
	for part := range strings.SplitSeq(at, ".") {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[part]
	}
	return value
}

// rowsOf writes every value of an answer in a row of its own, by name.
func rowsOf(t io.Writer, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for one := range v {
			names = append(names, one)
		}
		slices.Sort(names)
		for _, one := range names {
			inner := strings.ReplaceAll(one, "_", " ")
			if name != "" {
				inner = name + " " + inner
			}
			rowsOf(t, inner, v[one])
		}
	case []any:
		if _, things := first(v).(map[string]any); things {
			for i, one := range v {
				rowsOf(t, fmt.Sprintf("%s %d", name, i+1), one)
			}
			return
		}
		if len(v) > 0 {
			fmt.Fprintf(t, "%s\t%s\n", cell(name), cell(value))
		}
	default:
		fmt.Fprintf(t, "%s\t%s\n", cell(name), cell(value))
	}
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// plain is a value as text.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		parts := make([]string, 0, len(v))
		for _, one := range v {
			parts = append(parts, plain(one))
		}
		return strings.Join(parts, ",")
	}
	raw, _ := json.Marshal(value) // of what was JSON
	return string(raw)
}

// cell is a value as one cell of a table: times to the second, and nothing that a terminal would obey.
func cell(value any) string {
	text := plain(value)
	if len(text) > 20 && text[4] == '-' && text[10] == 'T' {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.Format(time.RFC3339)
		}
	}
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}
