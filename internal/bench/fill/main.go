// Command fill makes the lists of a server long, for measuring: users, rules, lines of the log, accounts, invitations and
// entries of the audit log, written into the data directory of a server that is stopped.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/store/sqlite"
)

// sizes are how long the lists become.
type sizes struct {
	data, instance                                    string
	users, rules, lines, accounts, invitations, audit int
}

func main() {
	var s sizes
	flag.StringVar(&s.data, "data", "", "`directory` of a stopped server")
	flag.StringVar(&s.instance, "instance", "", "`id` of the instance that becomes large")
	flag.IntVar(&s.users, "users", 100_000, "MQTT users")
	flag.IntVar(&s.rules, "rules", 900, "access rules")
	flag.IntVar(&s.lines, "lines", 1_000_000, "lines of the instance's log")
	flag.IntVar(&s.accounts, "accounts", 10_000, "accounts")
	flag.IntVar(&s.invitations, "invitations", 990, "open invitations to the server")
	flag.IntVar(&s.audit, "audit", 10_000, "entries of the audit log")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := fill(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// fill writes every list and says how long each took.
func fill(ctx context.Context, s sizes) (err error) {
	store, err := sqlite.Open(ctx, sqlite.Options{Dir: s.data, BallastBytes: -1})
	if err != nil {
		return err
	}
	defer func() {
		if closed := store.Close(); err == nil {
			err = closed
		}
	}()
	var instance account.Instance
	err = store.Accounts.View(ctx, func(r account.Reader) (err error) {
		instance, err = r.Instance(s.instance)
		return err
	})
	if err != nil {
		return err
	}
	for _, list := range []struct {
		name string
		n    int
		row  func(i int) account.Row
	}{
		{"users", s.users, func(i int) account.Row { return user(s.instance, i) }},
		{"rules", s.rules, func(i int) account.Row { return rule(s.instance, i) }},
		{"accounts", s.accounts, person},
		{"invitations", s.invitations, func(i int) account.Row { return invitation(instance.Owner, i) }},
		{"entries of the audit log", s.audit, func(i int) account.Row { return entry(instance, i) }},
	} {
		begun := time.Now()
		if err := insert(ctx, store.Accounts, list.n, list.row); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
		fmt.Printf("%d %s in %v\n", list.n, list.name, time.Since(begun).Round(time.Millisecond))
	}
	begun := time.Now()
	if err := logLines(ctx, store.Accounts, s.instance, s.lines); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	fmt.Printf("%d lines of the log in %v\n", s.lines, time.Since(begun).Round(time.Millisecond))
	return nil
}

// insert makes n rows, some thousands in a transaction.
func insert(ctx context.Context, store account.Store, n int, row func(i int) account.Row) error {
	const batch = 5000
	for from := 0; from < n; from += batch {
		err := store.Update(ctx, func(tx account.Tx) error {
			for i := from; i < min(from+batch, n); i++ {
				if err := tx.Insert(row(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// begun is before everything that is made up here.
var begun = time.Now().Add(-30 * 24 * time.Hour).UTC().Truncate(time.Second)

func user(instance string, i int) account.Row {
	u := account.User{Instance: instance, Name: fmt.Sprintf("user-%06d", i), Connect: true, Kind: account.SecretGenerated, Secret: make([]byte, 32), CreatedAt: begun.Add(time.Duration(i) * time.Second)}
	binary.BigEndian.PutUint32(u.Secret, uint32(i))
	if i%10 == 0 {
		u.Note = "on the roof"
	}
	return u
}

func rule(instance string, i int) account.Row {
	who := "user-000001" // one with many, many for all, and some of others
	switch i % 3 {
	case 1:
		who = ""
	case 2:
		who = fmt.Sprintf("user-%06d", i%200)
	}
	return account.Rule{Instance: instance, ID: fmt.Sprintf("filled-%06d", i), User: who, Effect: account.Allow, Access: account.Both, Filter: fmt.Sprintf("house/%d/#", i), CreatedAt: begun.Add(time.Duration(i) * time.Second)}
}

func person(i int) account.Row {
	return account.Account{ID: fmt.Sprintf("filled-%06d", i), Email: fmt.Sprintf("person-%06d@example.org", i), Role: account.RoleMember, CreatedAt: begun.Add(time.Duration(i) * time.Minute)}
}

func invitation(by string, i int) account.Row {
	made := account.Invitation{ID: fmt.Sprintf("filled-%06d", i), Email: fmt.Sprintf("friend-%06d@example.org", i), By: by, Sent: "file", CreatedAt: time.Now().UTC().Truncate(time.Second), ExpiresAt: time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)}
	binary.BigEndian.PutUint32(made.TokenHash[:], uint32(i)+1)
	return made
}

func entry(instance account.Instance, i int) account.Row {
	at := begun.Add(time.Duration(i) * time.Second)
	return account.AuditEntry{ID: at.UnixMicro(), Time: at, Account: instance.Owner, Team: instance.Owner, Via: "panel", Remote: "198.51.100.7", Action: "user.create", Object: instance.ID, Detail: fmt.Sprintf("user-%06d", i)}
}

// logLines writes n lines as a busy instance has them, the newest a minute ago. One has a word that no other has: the oldest.
func logLines(ctx context.Context, store account.Store, instance string, n int) error {
	kinds := []string{"connected", "disconnected", "denied"}
	first := time.Now().Add(-time.Minute - time.Duration(n)*2*time.Second).UTC().Truncate(time.Microsecond)
	batch := make([]account.LogLine, 0, 512)
	for i := range n {
		at := first.Add(time.Duration(i) * 2 * time.Second)
		l := account.LogLine{ID: at.UnixMicro(), Instance: instance, Time: at, Kind: kinds[i%3], Client: fmt.Sprintf("sensor-%05d", i%10_000), User: fmt.Sprintf("user-%06d", i%10_000), Remote: fmt.Sprintf("198.51.%d.%d:%d", i%256, i%251, 40_000+i%997)}
		if l.Rule = "mqtts"; l.Kind == "denied" {
			l.Topic, l.Gate, l.Rule, l.Reason, l.Cause = fmt.Sprintf("house/%d/state", i%1000), "acl", "no rule", 0x87, "No rule allows this topic."
		}
		if i == 0 {
			l.Kind, l.Cause = "refused", "needle"
		}
		if batch = append(batch, l); len(batch) < cap(batch) && i < n-1 {
			continue
		}
		if err := store.AppendLog(ctx, batch, -1); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return nil
}
