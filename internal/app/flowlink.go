package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
	"tsunagi/internal/config"
	"tsunagi/internal/editor"
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/nodes/network"
	"tsunagi/internal/front"
	"tsunagi/internal/link"
)

// brokerNode is the id of the node with the device's login at its instance.
const brokerNode = "7d5a1e0c4b9f2a36"

// tunnel is a device's side of its link to a platform.
type tunnel struct {
	paired *link.Paired
	client *link.Client
	server *flowServer // set by parts
	dir    string
	local  *lanBroker // nil: there is none
	asking atomic.Bool
	log    *slog.Logger
	reason atomic.Pointer[string] // why the tunnel ends [link.Stopped]
}

// joinPlatform pairs this flow server when the settings say so, and makes the tunnel of one that is paired; nil for one
// that isn't. It adds to the options what the platform's people and broker need.
func joinPlatform(ctx context.Context, cfg *config.Flow, ro *flow.Options, eo *editor.Options, up *proof, log *slog.Logger) (*tunnel, error) {
	p, err := link.Load(cfg.Data)
	if err != nil {
		return nil, &dataError{err}
	}
	asked := strings.TrimSuffix(cfg.Link, "/")
	switch {
	case p == nil && asked == "":
		return nil, nil
	case cfg.NoLogin:
		return nil, errors.New("no_login with a link: want a login, since others come in through the tunnel")
	case p != nil && asked != "" && asked != p.URL:
		return nil, fmt.Errorf("link %q: this device is paired with %s; end that first with `tsunagi flow unlink --data %s`", cfg.Link, p.URL, cfg.Data)
	case p == nil && cfg.Code == "":
		return nil, fmt.Errorf("link %q: want the code, too, which its panel shows under Devices", cfg.Link)
	case p == nil:
		ask := link.Ask{Dir: cfg.Data, URL: asked, Code: cfg.Code, Pin: cfg.Pin, CA: ro.TrustedCA, Version: Version}
		if p, err = link.Pair(ctx, ask); err != nil {
			return nil, err
		}
		log.Info("this device is paired", "platform", p.URL, "name", p.Broker.Name)
	}
	if p.CA != "" && !strings.Contains(string(ro.TrustedCA), p.CA) {
		ro.TrustedCA = append(append([]byte{}, ro.TrustedCA...), p.CA...)
	}
	t := &tunnel{paired: p, dir: cfg.Data, log: log}
	t.client = link.NewClient(link.ClientOptions{Dir: cfg.Data, Paired: p, Version: Version, NoEditing: cfg.LocalOnly, Pages: remotePages(cfg), Log: log,
		Ended: t.ended, Rotated: t.putBroker, Unknown: t.unknown, Opened: func() { up.say(false, true); t.known() }})
	login, ok := eo.Auth.(*editor.Login)
	if !ok {
		return nil, errors.New("a link needs the flow server's own login")
	}
	eo.Auth = &editor.Linked{Login: login, Platform: &editor.Platform{
		LoginURL: p.URL + "/devices/" + p.ID + "/open", LogoutURL: p.URL + "/", Alive: t.client.Alive,
		Exchange: func(ctx context.Context, e editor.Exchange) (editor.User, error) {
			name, session, err := t.client.Exchange(ctx, e.Code, e.Agent)
			return editor.User{Name: name, Scope: "*", Session: session}, err
		},
	}}
	return t, nil
}

// remotePages is who at most may see the pages of this device's flows through the platform.
func remotePages(cfg *config.Flow) account.Pages {
	switch {
	case cfg.Pages != "":
		most, _ := account.ParsePages(cfg.Pages) // the settings were checked
		return most
	case cfg.LocalOnly:
		return account.PagesNone
	}
	return account.PagesPublic
}

// parts are the servers behind the tunnel, of the editor, of the flows' pages and of the door for the panel, and the
// tunnel.
func (t *tunnel) parts(f *flowServer, web *network.Web, door http.Handler) []part {
	t.server = f
	pages := front.NewServer("pages", t.client.PagesListener(), nil, t.client.GuardPages(web.Apart()), t.log)
	pages.OnStop(web.Stop)
	doors := front.NewServer("door", t.client.DoorListener(), nil, door, t.log)
	server := front.NewServer("tunnel", t.client.Listener(), nil, t.client.Guard(editor.Tunnelled(f.editor)), t.log)
	ended := make(chan struct{})
	var end context.CancelFunc
	return []part{
		{server.Name(), server.Start, server.Stop},
		{pages.Name(), pages.Start, pages.Stop},
		{doors.Name(), doors.Start, doors.Stop},
		{name: "link", start: func(ctx context.Context) error {
			if t.paired.Broker.Password != "" {
				if err := t.putBroker(ctx, t.paired.Broker); err != nil {
					t.log.Error("broker of the platform not put into the flows; it is tried again at the next start", "error", err)
				} else if err := t.client.Delivered(); err != nil {
					t.log.Error("pairing not stored", "error", err)
				}
			}
			ctx, end = context.WithCancel(ctx)
			go func() { defer close(ended); t.client.Run(ctx) }() // ends with stop
			return nil
		}, stop: func(ctx context.Context) error {
			t.goodbye(ctx)
			end()
			select {
			case <-ended:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
	}
}

// restart has the flow server end its parts and start anew, once the answer to who asked for it is out.
func (t *tunnel) restart(failed *failure) func() error {
	return func() error {
		t.end(failed, link.Restarting, errRestart)
		return nil
	}
}

// end ends the parts of the flow server, once the answer to who asked for it is out. The platform hears the reason.
func (t *tunnel) end(failed *failure, reason string, err error) {
	t.reason.Store(&reason)
	time.AfterFunc(200*time.Millisecond, func() { failed.fail(err) })
}

// goodbyeTime is how long the platform may take to hear why the tunnel ends.
const goodbyeTime = 2 * time.Second

// goodbye tells the platform why the tunnel ends.
func (t *tunnel) goodbye(ctx context.Context) {
	reason := link.Stopped
	if given := t.reason.Load(); given != nil {
		reason = *given
	}
	ctx, cancel := context.WithTimeout(ctx, goodbyeTime)
	defer cancel()
	if err := t.client.Goodbye(ctx, reason); err != nil {
		t.log.Info("platform not told why the tunnel ends", "error", err)
	}
}

// ended signs out who came in with a session of the panel that is over.
func (t *tunnel) ended(session string) {
	if err := t.server.editor.EndSession(session); err != nil {
		t.log.Error("tokens of a session that is over not ended", "error", err)
	}
}

// putBroker fills the device's login into the flows, and into the bridge of the local broker.
func (t *tunnel) putBroker(ctx context.Context, b link.Broker) error {
	if err := t.bridgeLogin(b); err != nil {
		return err
	}
	return t.server.editor.PutBroker(ctx, editor.Broker{ID: brokerNode, Name: "Tsunagi", Host: b.Host, Port: b.Port, ClientID: "device-" + b.Name,
		User: b.User, Password: b.Password})
}

const unlinkUsage = `Usage: tsunagi flow unlink [--data DIR] [--forget]

Ends the pairing of this device with its platform, on both sides. Flows stay; their MQTT user at the platform is deleted.

`

// flowUnlink is "tsunagi flow unlink".
func flowUnlink(ctx context.Context, args []string, s Streams) int {
	flags := pflag.NewFlagSet("unlink", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "./flow-data", "directory of the flow server")
	forget := flags.Bool("forget", false, "delete the pairing here even if the platform can't be asked; then unpair it in the panel, too")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(s.Out, unlinkUsage, flags.FlagUsages())
		return ExitOK
	case err == nil && flags.NArg() != 0:
		err = fmt.Errorf("%q: want no arguments", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tsunagi flow unlink: %v\n", err)
		return ExitUsage
	}
	p, err := link.Load(*data)
	if err == nil && p == nil {
		err = fmt.Errorf("%s: this flow server is not paired", *data)
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err = link.NewClient(link.ClientOptions{Dir: *data, Paired: p, Version: Version}).Unpair(ctx); err != nil && *forget {
			fmt.Fprintf(s.Err, "The platform was not told: %v\n", err)
			err = link.Forget(*data)
		}
	}
	if err == nil {
		fmt.Fprintln(s.Out, "This device is no longer paired.")
	}
	return exitCode("flow unlink", err, s)
}

const rotateUsage = `Usage: tsunagi flow rotate [--data DIR]

Gives this device another key and another MQTT password at its platform, without the panel. The flow server must be
stopped; it takes the password at its next start.

`

// flowRotate is "tsunagi flow rotate".
func flowRotate(ctx context.Context, args []string, s Streams) int {
	flags := pflag.NewFlagSet("rotate", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	data := flags.String("data", "./flow-data", "directory of the flow server")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(s.Out, rotateUsage, flags.FlagUsages())
		return ExitOK
	case err == nil && flags.NArg() != 0:
		err = fmt.Errorf("%q: want no arguments", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(s.Err, "tsunagi flow rotate: %v\n", err)
		return ExitUsage
	}
	p, err := link.Load(*data)
	if err == nil && p == nil {
		err = fmt.Errorf("%s: this flow server is not paired", *data)
	}
	if err == nil {
		err = rotateOnce(ctx, *data, p)
	}
	if err == nil {
		fmt.Fprintln(s.Out, "This device has another key. Start its flow server again.")
	}
	return exitCode("flow rotate", err, s)
}

// rotateOnce changes the key of a flow server that doesn't run.
func rotateOnce(ctx context.Context, data string, p *link.Paired) error {
	lock, err := editor.Lock(data)
	if err != nil {
		return fmt.Errorf("%w; or choose New keys in the panel", err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return link.NewClient(link.ClientOptions{Dir: data, Paired: p, Version: Version}).RotateOnce(ctx)
}
