package app

import (
	"bytes"
	"context"
	"log/slog"

	"tsunagi/internal/account"
	"tsunagi/internal/gate"
)

// tripwireWaiting bounds the passwords that wait to be judged; what comes beyond is forgotten, as its line in the log
// says what has happened.
const tripwireWaiting = 64

// tripwire finds out whether a password that came over a refused connection without TLS is somebody's, and marks the
// user then. It judges one at a time, behind the answer: the client learns nothing of it.
type tripwire struct {
	expose  func(context.Context, account.Credentials) (bool, error)
	log     *slog.Logger
	waiting chan account.Credentials
}

func newTripwire(accounts *account.Service, log *slog.Logger) *tripwire {
	return &tripwire{accounts.Expose, log, make(chan account.Credentials, tripwireWaiting)}
}

// offer takes what a connection showed. It never waits.
func (w *tripwire) offer(instance, user string, h gate.Hello) {
	if instance == "" || !h.HasPass || len(h.Password) == 0 {
		return
	}
	select {
	case w.waiting <- account.Credentials{Instance: instance, User: user, Password: string(bytes.Clone(h.Password)), ClientID: h.ClientID, Remote: h.Remote}:
	default:
	}
}

// run judges until ctx ends.
func (w *tripwire) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-w.waiting:
			if _, err := w.expose(ctx, c); err != nil && ctx.Err() == nil {
				w.log.Warn("a password in clear could not be judged", "instance", c.Instance, "error", err)
			}
		}
	}
}

// part is the tripwire as a part.
func (w *tripwire) part() part { return working("tripwire", w.run) }
