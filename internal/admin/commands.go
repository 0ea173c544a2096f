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

func commands() []command {
	none := func(*pflag.FlagSet) {}
	password := func(f *pflag.FlagSet) {
		f.Bool("password-stdin", false, "read the password from the first line of standard input; else one is generated and printed once")
	}
	return slices.Concat([]command{
		{"account create", "", "make an account; the first one becomes the owner", func(f *pflag.FlagSet) {
			f.String("email", "", "e-mail address (needed)")
			f.String("role", "", "owner or member")
			f.String("plan", "", "plan that bounds its flow servers")
			password(f)
		}, createAccount},
		{"account link", "", "print a new single-use link to become the owner; the one before stops to work", none, ownerLink},
		{"account set", "ACCOUNT", "change what an account may have; ACCOUNT is an id or an e-mail", func(f *pflag.FlagSet) {
			f.String("plan", "", "plan; empty: the default plan")
			f.Int("instances", 0, "how many instances it may have; 0: as the settings say")
		}, setAccount},
		{"account suspend", "ACCOUNT", "stop everything of an account; nothing is deleted", func(f *pflag.FlagSet) {
			f.String("why", "", "reason, told to its people and to clients that are refused (needed)")
		}, suspendAccount},
		{"account resume", "ACCOUNT", "let a suspended account work again", none, resumeAccount},
		{"account delete", "ACCOUNT", "delete an account with its instances, flow servers and devices", func(f *pflag.FlagSet) {
			f.Bool("yes", false, "really: there is no way back (needed)")
		}, deleteAccount},
		{"account list", "", "list accounts", none, listAccounts},
		{"instance create", "", "make an instance; prints its first user's password", func(f *pflag.FlagSet) {
			f.String("name", "", "name (needed)")
			f.String("owner", "", "account, by e-mail or id [the owner of the installation]")
			f.String("region", "", "region [the first]")
			f.String("plan", "", "plan [the default plan]")
		}, createInstance},
		{"instance list", "", "list instances", none, listInstances},
		{"instance password", "INSTANCE", "print the first user's password", func(f *pflag.FlagSet) {
			f.Bool("rotate", false, "make a new one; clients with the old one are disconnected")
		}, instancePassword},
		{"instance export", "INSTANCE FILE", "write everything of an instance but its secrets to a zip file", func(f *pflag.FlagSet) {
			f.Bool("hashes", false, "with the hashes of the users' passwords, so that devices go on working where it is imported")
		}, exportInstance},
		{"instance import", "INSTANCE FILE", "make an empty instance what the file of an export says", func(f *pflag.FlagSet) {
			f.Bool("dry-run", false, "only tell what would happen")
		}, restoreInstance},
		{"instance delete", "INSTANCE", "delete an instance with all that is in it", none, deleteInstance},
		{"user create", "INSTANCE NAME", "make an MQTT user", func(f *pflag.FlagSet) {
			f.Bool("no-connect", false, "may not connect yet")
			f.String("note", "", "note")
			password(f)
		}, createUser},
		{"user list", "INSTANCE", "list MQTT users", none, listUsers},
		{"user set", "INSTANCE NAME", "change an MQTT user", func(f *pflag.FlagSet) {
			f.Bool("password-stdin", false, "read a new password from the first line of standard input")
			f.Bool("rotate", false, "generate a new password and print it once")
			f.Bool("connect", true, "may connect: --connect or --connect=false")
			f.String("note", "", "note")
		}, setUser},
		{"user import", "INSTANCE", "make users and rules from files of Mosquitto, from CSV or from CloudMQTT", importFlags, importUsers},
		{"user delete", "INSTANCE NAME", "delete an MQTT user with its rules", none, deleteUser},
		{"rule create", "INSTANCE allow|deny publish|subscribe|both FILTER", "make an access rule", func(f *pflag.FlagSet) {
			f.String("user", "", "user that it is about [all users; %u and %c in the filter stand for user and client id]")
		}, createRule},
		{"rule list", "INSTANCE", "list access rules", none, listRules},
		{"rule delete", "INSTANCE RULE", "delete an access rule", none, deleteRule},
	}, loginCommands(), brokerCommands(), hookCommands(), historyCommands(), []command{apiCommand()})
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
		overview(out)
		return exitOK
	}
	if len(args) > 0 {
		fmt.Fprintf(errOut, "tsunagi admin: there is no command %q.\n\n", strings.Join(args[:min(len(args), 2)], " "))
	}
	overview(errOut)
	return exitUsage
}

func overview(w io.Writer) {
	fmt.Fprint(w, "tsunagi admin: accounts, instances, users, rules, clients, logs, webhooks and history from scripts, on the machine where `tsunagi serve` runs\n\nUsage:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
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
	data := f.String("data", dataOf(environ), "data directory of `tsunagi serve` (TSUNAGI_DATA)")
	socket := f.String("socket", "", "socket of `tsunagi serve` [DATA/"+SocketName+"]")
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(k.out, "Usage: tsunagi admin %s %s\n\n%s.\n\n%s", c.words, c.args, capital(c.help), f.FlagUsages())
		return exitOK
	}
	if want := len(strings.Fields(c.args)); err == nil && f.NArg() != want {
		err = &usageError{fmt.Sprintf("want %d arguments (%s), got %d", want, strings.TrimSpace("tsunagi admin "+c.words+" "+c.args), f.NArg())}
	} else if err != nil {
		err = &usageError{err.Error()}
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
		b.WriteString("/" + url.PathEscape(w))
	}
	return b.String()
}
