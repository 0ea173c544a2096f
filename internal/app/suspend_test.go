package app

import (
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestSuspendedAccount has clients of a suspended account ended and refused with the reason, and let in once it works
// again.
func TestSuspendedAccount(t *testing.T) {
	w := serveWorld(t)
	w.instance() // the host's
	w.admin(nil, "account", "create", "--email", "m@example.org")
	var in struct{ ID, Password string }
	w.admin(&in, "instance", "create", "--name", "theirs", "--owner", "m@example.org")
	open := w.device(in.ID, in.Password, "open", false)
	w.admin(nil, "account", "suspend", "m@example.org", "--why", "unpaid since August")
	if f := open.frame(); f.Type() != mqtt.DISCONNECT {
		t.Errorf("an open connection reads type %d", f.Type())
	}
	answer, err := connect(w.dial(w.mqtts, w.tls("localhost")), mqtt.Connect{User: []byte(in.ID), Password: []byte(in.Password)})
	if err != nil || answer.Reason != mqtt.Banned || !strings.Contains(string(answer.ReasonString), "unpaid since August") {
		t.Errorf("refused with %v %q, %v", answer.Reason, answer.ReasonString, err)
	}
	answer, err = connect(w.dial(w.mqtts, w.tls("localhost")), mqtt.Connect{User: []byte(in.ID), Password: []byte("wrong")})
	if err != nil || answer.Reason != mqtt.BadUserNameOrPassword {
		t.Errorf("a wrong password: %v, %v", answer.Reason, err)
	}
	w.admin(nil, "account", "resume", "m@example.org")
	w.login(w.dial(w.mqtts, w.tls("localhost")), in.ID, in.Password)
}
