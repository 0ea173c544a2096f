package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
	"tsunagi/internal/admin"
	"tsunagi/internal/cert"
	"tsunagi/internal/home"
)

const lanUsage = `Usage: tsunagi flow broker COMMAND [--data DIR]

Users and state of the broker for the devices in this network (tsunagi flow --broker), whether it runs now or not.

  user add NAME --topic FILTER    make a login that may publish and subscribe there; its password is generated and
                                  printed once, or read with --password-stdin. --publish and --subscribe allow one of both
  user list                       all logins, with their topics
  user password NAME              give a login another password
  user remove NAME                delete a login and end its connections
  status                          connections, bridge and what waits for the platform
  ca                              certificate of the authority that the devices have to trust, as PEM; --c: as a C array

`

// lanCall is one run of `tsunagi flow broker …`.
type lanCall struct {
	s                          Streams
	local                      *admin.Local
	data, note                 string
	both, publish, subscribe   []string
	passwordStdin, asJSON, asC bool
	outside                    bool // the command needs no way to the users
	running                    bool // it is about a broker that runs
}

// flowBroker is "tsunagi flow broker".
func flowBroker(ctx context.Context, args []string, s Streams) int {
	k := &lanCall{s: s}
	flags := pflag.NewFlagSet("broker", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	flags.StringVar(&k.data, "data", "./flow-data", "directory of the flow server")
	flags.StringArrayVar(&k.both, "topic", nil, "user add: filter of topics to publish and subscribe; may be given again")
	flags.StringArrayVar(&k.publish, "publish", nil, "user add: filter of topics to publish only")
	flags.StringArrayVar(&k.subscribe, "subscribe", nil, "user add: filter of topics to subscribe only")
	flags.StringVar(&k.note, "note", "", "user add: note")
	flags.BoolVar(&k.passwordStdin, "password-stdin", false, "user add, user password: read the password from the first line of standard input")
	flags.BoolVar(&k.asJSON, "json", false, "user list, status: print JSON")
	flags.BoolVar(&k.asC, "c", false, "ca: print a C array")
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) || err == nil && flags.NArg() == 0 {
		fmt.Fprint(s.Out, lanUsage, flags.FlagUsages())
		return ExitOK
	}
	var run func(context.Context, string) error
	name := ""
	if err == nil {
		run, name, err = k.command(flags.Args())
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tsunagi flow broker: %v\n", err)
		return ExitUsage
	}
	return exitCode("flow broker", k.reach(ctx, func() error { return run(ctx, name) }), s)
}

// command finds what is asked for, and the name of the user that it is about.
func (k *lanCall) command(args []string) (run func(context.Context, string) error, name string, err error) {
	words := strings.Join(args[:min(2, len(args))], " ")
	table := map[string]func(context.Context, string) error{"user add": k.add, "user password": k.password, "user remove": k.remove}
	switch {
	case words == "user list" && len(args) == 2:
		return k.list, "", nil
	case words == "status":
		k.running = true
		return k.status, "", nil
	case words == "ca":
		k.outside = true
		return k.ca, "", nil
	case table[words] == nil:
		return nil, "", fmt.Errorf("there is no command %q; see tsunagi flow broker --help", strings.Join(args, " "))
	case len(args) != 3:
		return nil, "", fmt.Errorf("%s: want the name of one user", words)
	case words == "user add" && len(k.both)+len(k.publish)+len(k.subscribe) == 0:
		return nil, "", errors.New("user add: want --topic, --publish or --subscribe with a filter, such as --topic 'sensors/#'")
	}
	return table[words], args[2], nil
}

// reach runs f with a way to the users: through the flow server that runs, or, when none does, by opening its directory.
func (k *lanCall) reach(ctx context.Context, f func() error) (err error) {
	if _, err := os.Stat(k.data); err != nil {
		return fmt.Errorf("data %q: want the directory of a flow server: %w", k.data, err)
	}
	if k.outside {
		return f()
	}
	dir := filepath.Join(k.data, lanDir)
	k.local = admin.NewLocal(dir, lanInstance)
	if k.local.Running(ctx) {
		return f()
	}
	if k.running {
		return errors.New("the local broker does not run: start tsunagi flow --broker with this data directory")
	}
	log := slog.New(slog.DiscardHandler)
	base, accounts, texts, err := openLANAccounts(ctx, dir, 1, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.store.Close()) }()
	socket := admin.NewServer(dir, accounts, texts.text, log)
	if err := socket.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, socket.Stop(context.WithoutCancel(ctx))) }()
	return f()
}

func (k *lanCall) add(ctx context.Context, name string) error {
	chosen, err := k.chosen()
	if err != nil {
		return err
	}
	u := admin.LocalUser{Name: name, Note: k.note}
	for access, filters := range map[account.Access][]string{account.Both: k.both, account.Publish: k.publish, account.Subscribe: k.subscribe} {
		for _, f := range filters {
			u.Rules = append(u.Rules, admin.LocalRule{Access: access, Filter: f})
		}
	}
	generated, err := k.local.Add(ctx, u, chosen)
	if err != nil {
		return err
	}
	return k.made(name, generated)
}

func (k *lanCall) password(ctx context.Context, name string) error {
	chosen, err := k.chosen()
	if err != nil {
		return err
	}
	generated, err := k.local.Password(ctx, name, chosen)
	if err != nil {
		return err
	}
	return k.made(name, generated)
}

// made prints a login. A chosen password is known already.
func (k *lanCall) made(name, generated string) error {
	t := tabwriter.NewWriter(k.s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "user\t%s\n", name)
	if generated != "" {
		fmt.Fprintf(t, "password\t%s\n", generated)
	}
	fmt.Fprintf(t, "authority\t%s\n", filepath.Join(k.data, "ca", "ca.pem"))
	return t.Flush()
}

// chosen reads the password where --password-stdin asks for it.
func (k *lanCall) chosen() (string, error) {
	if !k.passwordStdin {
		return "", nil
	}
	raw, err := io.ReadAll(io.LimitReader(k.s.In, 4096))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", errors.New("--password-stdin: standard input has no password")
	}
	return line, nil
}

func (k *lanCall) remove(ctx context.Context, name string) error { return k.local.Remove(ctx, name) }

func (k *lanCall) list(ctx context.Context, _ string) error {
	list, err := k.local.List(ctx)
	if err != nil || k.asJSON {
		return errors.Join(err, k.json(list))
	}
	t := tabwriter.NewWriter(k.s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tTOPICS\tNOTE")
	for _, u := range list {
		var topics []string
		for _, r := range u.Rules {
			topics = append(topics, fmt.Sprintf("%s (%s)", r.Filter, r.Access))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", u.Name, strings.Join(topics, ", "), u.Note)
	}
	return t.Flush()
}

func (k *lanCall) status(ctx context.Context, _ string) error {
	var b home.Broker
	if err := k.local.Status(ctx, &b); err != nil {
		return err
	}
	if k.asJSON {
		return k.json(b)
	}
	t := tabwriter.NewWriter(k.s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "listens on\t%s (TLS) %s\n", b.Address, b.Plain)
	fmt.Fprintf(t, "connections\t%d of %d users\n", b.Clients, b.Users)
	fmt.Fprintf(t, "bridge\t%s\n", strings.TrimSpace(b.State+" "+b.Error))
	fmt.Fprintf(t, "waiting\t%d messages, %d bytes\n", b.Waiting, b.Bytes)
	fmt.Fprintf(t, "sent, received\t%d, %d\n", b.Sent, b.Received)
	if b.Refused > 0 {
		fmt.Fprintf(t, "refused\t%d: %s\n", b.Refused, b.LastRefusal)
	}
	return t.Flush()
}

func (k *lanCall) ca(context.Context, string) error {
	a, err := cert.OpenAuthority(filepath.Join(k.data, "ca"))
	if err != nil {
		return &dataError{err}
	}
	out := a.PEM()
	if k.asC {
		out = a.CArray()
	}
	_, err = k.s.Out.Write(out)
	return err
}

func (k *lanCall) json(v any) error {
	e := json.NewEncoder(k.s.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
