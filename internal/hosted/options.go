package hosted

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// Options configure a Manager. Zero values mean the default in brackets.
type Options struct {
	Exe  string   // the program that children run [this one]
	Args []string // its arguments ["flow"]
	Dir  string   // data directory of the platform; each flow server has flows/<id> in it

	Zone  string // what follows the name in a host, with both dots: ".flows.example.com" [".flows.localhost"]
	Port  int    // port of the HTTPS server, for addresses [443]
	Panel string // origin of the panel, without a slash at the end
	Title string // name on the editor's page ["Tsunagi"]

	// LoginURL is the page of the panel that mints a code and sends the browser to the editor with it
	// [Panel + "/flow-servers/<id>/open"].
	LoginURL func(s Server) string

	CA      []byte         // PEM of authorities that flows trust besides the system's
	Brokers []string       // host:port of the platform's own brokers, which flows always reach; *.name:port for all below a name
	Allow   []netip.Prefix // inner networks that flows may reach [none]

	// Exchange says who a single-use code stands for. An error means nobody.
	Exchange func(ctx context.Context, server, code, agent string) (Person, error)
	// SessionAlive says whether a session in the panel still holds [it does].
	SessionAlive func(ctx context.Context, session string) (bool, error)
	// SessionEnd returns a channel that is closed when a session ends [it never does].
	SessionEnd func(session string) (ended <-chan struct{}, stop func())

	// Instances lists the instances of a flow server's owner [there are none].
	Instances func(ctx context.Context, server string) ([]Instance, error)
	// Credential makes a user for a flow server on one of them, for topics and nothing else [none is made].
	Credential func(ctx context.Context, server, instance string, topics []string) (Credential, error)

	// Changed is told about every change of state; it must not block or call the Manager [nobody].
	Changed func(s Server, state, cause string)

	Network   string        // "shared": children keep the machine's network; "": an empty one where the system allows it
	LogLevel  string        // of the children ["info"]
	Patience  time.Duration // longest wait for a child to be ready [30s]
	StopTime  time.Duration // from SIGTERM to SIGKILL [20s]
	Backoff   time.Duration // wait before the first restart; it doubles to 64 times that [1s]
	WatchTime time.Duration // between two looks at the memory [1s]
	Log       *slog.Logger  // [discard]
}

func (o *Options) defaults() (err error) {
	if o.Exe == "" {
		if o.Exe, err = os.Executable(); err != nil {
			return fmt.Errorf("own program: %w", err)
		}
	}
	if o.Args == nil {
		o.Args = []string{"flow"}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if o.Zone == "" {
		o.Zone = ".flows.localhost"
	}
	if o.Port == 0 {
		o.Port = 443
	}
	if o.Title == "" {
		o.Title = "Tsunagi"
	}
	if o.LoginURL == nil {
		o.LoginURL = func(s Server) string { return o.Panel + "/flow-servers/" + s.ID + "/open" }
	}
	if o.Exchange == nil {
		o.Exchange = func(context.Context, string, string, string) (Person, error) {
			return Person{}, errors.New("codes are not taken")
		}
	}
	if o.SessionAlive == nil {
		o.SessionAlive = func(context.Context, string) (bool, error) { return true, nil }
	}
	if o.SessionEnd == nil {
		o.SessionEnd = func(string) (<-chan struct{}, func()) { return nil, func() {} }
	}
	if o.Instances == nil {
		o.Instances = func(context.Context, string) ([]Instance, error) { return nil, nil }
	}
	if o.Credential == nil {
		o.Credential = func(context.Context, string, string, []string) (Credential, error) {
			return Credential{}, errors.New("no users are made here")
		}
	}
	if o.Changed == nil {
		o.Changed = func(Server, string, string) {}
	}
	o.LogLevel = orText(o.LogLevel, "info")
	o.Patience = orTime(o.Patience, 30*time.Second)
	o.StopTime = orTime(o.StopTime, 20*time.Second)
	o.Backoff = orTime(o.Backoff, time.Second)
	o.WatchTime = orTime(o.WatchTime, time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

func orText(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

func orTime(d, or time.Duration) time.Duration {
	if d == 0 {
		return or
	}
	return d
}

// dialer makes what connects on behalf of children.
func (o *Options) dialer() *dialer {
	return &dialer{brokers: o.Brokers, allow: o.Allow, resolver: net.DefaultResolver, direct: net.Dialer{Timeout: maxDialTime}}
}
