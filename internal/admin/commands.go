package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"
)

// Exit codes, those of all commands.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// call is one run of a command.
type call struct {
	ctx    context.Context
	in     io.Reader
	out    io.Writer
	errOut io.Writer
	flags  *pflag.FlagSet
	args   []string
	client *client
	json   bool
}

// command is one line of the table.
type command struct {
	words string // such as "user create"
	args  string // names of the arguments
	help  string
	flags func(*pflag.FlagSet)
	run   func(*call) error
}

// usageError is a wrong use of a command.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// noun is what a command is about.
func (c command) noun() string { return strings.Fields(c.words)[0] }

func commands() []command {
	none := func(*pflag.FlagSet) {}
	password := func(f *pflag.FlagSet) {
		f.Bool("password-stdin", false, "read the password from the first line of standard input; else one is generated and printed once")
	}
	list := slices.Concat([]command{
		{"account create", "", "make an account; the first one becomes the owner", func(f *pflag.FlagSet) {
			f.String("email", "", "e-mail address (needed)")
			f.String("role", "", "owner or member")
			f.String("plan", "", "plan that bounds its flow servers")
			password(f)
		}, createAccount},
		{"account link", "", "print a new single-use link to become the owner; the one before stops to work", none, ownerLink},
		{"instance export", "INSTANCE FILE", "write everything of an instance but its secrets to a zip file", func(f *pflag.FlagSet) {
			f.Bool("hashes", false, "with the hashes of the users' passwords, so that devices go on working where it is imported")
		}, exportInstance},
		{"instance import", "INSTANCE FILE", "make an empty instance what the file of an export says", func(f *pflag.FlagSet) {
			f.Bool("dry-run", false, "only tell what would happen")
		}, restoreInstance},
		{"user import", "INSTANCE", "make users and rules from files of Mosquitto, from CSV or from CloudMQTT", importFlags, importUsers},
		apiCommand(), batchCommand(),
	}, historyCommands())
	for _, o := range operations() {
		list = append(list, o.command())
	}
	slices.SortStableFunc(list, func(a, b command) int { return strings.Compare(a.noun(), b.noun()) })
	return list
}

// Run carries out `tsunagi admin` and returns the exit code. environ is looked at for TSUNAGI_DATA.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer, environ []string) int {
	for _, c := range commands() {
		words := strings.Fields(c.words)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c.do(&call{ctx: ctx, in: in, out: out, errOut: errOut}, args[len(words):], environ)
		}
	}
	if len(args) > 0 && (args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
		overview(out, "")
		return exitOK
	}
	noun := ""
	if len(args) > 0 {
		fmt.Fprintf(errOut, "tsunagi admin: there is no command %q.\n\n", strings.Join(args[:min(len(args), 2)], " "))
		noun = args[0]
	}
	overview(errOut, noun)
	return exitUsage
}

// overview lists the commands about a noun; all, where there are none about it.
func overview(w io.Writer, noun string) {
	list := commands()
	some := slices.DeleteFunc(slices.Clone(list), func(c command) bool { return c.noun() != noun })
	if len(some) == 0 {
		some = list
		fmt.Fprint(w, "tsunagi admin: all that panel and API can do, from scripts, on the machine where `tsunagi serve` runs\n\n")
	}
	fmt.Fprint(w, "Usage:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range some {
		fmt.Fprintf(t, "  tsunagi admin %s %s\t%s\n", c.words, c.args, c.help)
	}
	_ = t.Flush() // w's own errors are the caller's
	fmt.Fprint(w, "\nEach has --help, --data DIR (that of `serve`), --socket FILE and --json.\n")
}

// do parses what follows the words and runs the command.
func (c command) do(k *call, args []string, environ []string) int {
	f := pflag.NewFlagSet(c.words, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	c.flags(f)
	asJSON := f.Bool("json", false, "print JSON")
	data := f.String("data", dataOf(environ), "data directory of tsunagi serve (TSUNAGI_DATA)")
	socket := f.String("socket", "", "socket of tsunagi serve [DATA/"+SocketName+"]")
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(k.out, "Usage: tsunagi admin %s %s\n\n%s.\n\n%s", c.words, c.args, capital(c.help), f.FlagUsages())
		return exitOK
	}
	if want := len(strings.Fields(c.args)); err == nil && f.NArg() != want {
		err = &usageError{fmt.Sprintf("want %d arguments (%s), got %d", want, strings.TrimSpace("tsunagi admin "+c.words+" "+c.args), f.NArg())}
	} else if err != nil {
		err = &usageError{err.Error()}
	} else if slices.Contains(f.Args(), "") {
		err = &usageError{"an argument is empty"}
	}
	if err == nil {
		if *socket == "" {
			*socket = filepath.Join(*data, SocketName)
		}
		k.flags, k.args, k.json, k.client = f, f.Args(), *asJSON, newClient(*socket)
		err = c.run(k)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(k.errOut, "tsunagi admin %s: %v\n", c.words, err)
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func dataOf(environ []string) string {
	for _, kv := range environ {
		if dir, ok := strings.CutPrefix(kv, "TSUNAGI_DATA="); ok && dir != "" {
			return dir
		}
	}
	return "./data"
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// needed is a flag that must be given.
func (k *call) needed(name string) (string, error) {
	if v := k.text(name); v != "" {
		return v, nil
	}
	return "", &usageError{"want --" + name}
}

func (k *call) text(name string) string {
	v, err := k.flags.GetString(name)
	if err != nil {
		panic(err) // a flag that the table doesn't have
	}
	return v
}

func (k *call) list(name string) []string {
	v, err := k.flags.GetStringSlice(name)
	if err != nil {
		panic(err) // a flag that the table doesn't have
	}
	return v
}

func (k *call) number(name string) int {
	v, err := k.flags.GetInt(name)
	if err != nil {
		panic(err) // a flag that the table doesn't have
	}
	return v
}

func (k *call) on(name string) bool {
	v, err := k.flags.GetBool(name)
	if err != nil {
		panic(err) // a flag that the table doesn't have
	}
	return v
}

// password reads the first line of standard input where --password-stdin asks for it.
func (k *call) password() (string, error) {
	return k.secret("password")
}

// secret reads the first line of standard input where the flag of that name and "-stdin" asks for it.
func (k *call) secret(name string) (string, error) {
	if !k.on(name + "-stdin") {
		return "", nil
	}
	raw, err := io.ReadAll(io.LimitReader(k.in, 4096))
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", name, err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", &usageError{fmt.Sprintf("--%s-stdin: standard input has no %s", name, name)}
	}
	return line, nil
}

// print shows one answer: as JSON, or as rows of words with tabs between.
func (k *call) print(answer any, rows ...string) error {
	if k.json {
		e := json.NewEncoder(k.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(answer)
	}
	t := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, r)
	}
	return t.Flush()
}

// path joins words to a path, each escaped.
func path(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("/" + segment(w))
	}
	return b.String()
}

// segment is a name as one part of a path: also one such as "..", which a path would take for something else.
func segment(name string) string {
	if name == "." || name == ".." {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}
