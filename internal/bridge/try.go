package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// The stages of a trial, in their order.
const (
	StageName      = "name"      // the name has an address that may be reached
	StageTCP       = "tcp"       // somebody answers there
	StageTLS       = "tls"       // with a certificate that is trusted; left out without TLS
	StageConnect   = "connect"   // and lets the bridge in
	StageSubscribe = "subscribe" // to what comes in; left out where nothing does
)

// The problems that a stage can have.
const (
	ProblemSetting   = "setting"   // the bridge's own settings
	ProblemName      = "name"      // no such name
	ProblemInner     = "inner"     // an address that may not be reached
	ProblemClosed    = "closed"    // nobody listens
	ProblemSilent    = "silent"    // no answer in time
	ProblemNoTLS     = "no_tls"    // the port does not speak TLS
	ProblemAuthority = "authority" // the certificate is signed by nobody who is trusted
	ProblemHost      = "host"      // the certificate is of another name
	ProblemExpired   = "expired"   // the certificate's time is over, or not come
	ProblemTLS       = "tls"       // TLS fails otherwise
	ProblemLogin     = "login"     // user, password or client id is refused
	ProblemRefused   = "refused"   // refused for another reason
	ProblemSpeech    = "speech"    // what answers isn't an MQTT broker of this version
	ProblemFilters   = "filters"   // some subscriptions are refused
)

// The bounds of a trial.
const (
	tryID      = "-trial"        // behind the client identifier, so that a trial doesn't end the bridge
	tryFilters = 1000            // most filters that are subscribed to
	tryFrames  = 10 * tryFilters // most packets that are read until SUBACK comes
)

// Step is one stage of a trial that was reached. The last one may have failed.
type Step struct {
	Stage   string
	Problem string   // "" where it is passed
	Cause   string   // in words, of a problem
	Filters []string // that are refused
}

// Try connects to the remote broker as the bridge would, with a session of its own that ends with the trial, and
// subscribes to what the bridge takes in, without retained messages where the version has that. It carries nothing, so
// the right to publish stays unknown. It lasts at most the time in which a connection must be made.
func (m *Manager) Try(ctx context.Context, c Config) []Step {
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	t := trial{secure: !c.plain()}
	o, err := c.remote(&m.o)
	if err != nil {
		return []Step{{Stage: StageName, Problem: ProblemSetting, Cause: err.Error()}}
	}
	t.watch(&o)
	o.ClientID, o.Clean, o.SessionExpiry, o.ConnectTimeout, o.Bridge = c.ClientID+tryID, true, 0, m.o.Timeout, false
	w, err := mqttclient.Open(ctx, o)
	if err != nil {
		return t.failed(err)
	}
	defer w.Close()
	t.reach(StageConnect)
	if list := remoteFilters(c.Topics); len(list) > 0 {
		t.reach(StageSubscribe)
		t.judge(subscribeOnce(ctx, w, list[:min(len(list), tryFilters)]))
	}
	_ = w.Write((&mqtt.Disconnect{}).Append(nil, w.Version)) // it is over in any case
	return t.steps
}

// trial follows how far a connection comes.
type trial struct {
	secure bool
	dialed atomic.Bool // the byte stream is there
	proved atomic.Bool // the certificate is good
	steps  []Step
}

// watch has the options tell what is reached.
func (t *trial) watch(o *mqttclient.Options) {
	dial := o.Dial
	o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil {
			t.dialed.Store(true)
		}
		return conn, err
	}
	if o.TLS != nil {
		o.TLS.VerifyConnection = func(tls.ConnectionState) error { t.proved.Store(true); return nil }
	}
}

// reach notes the stages up to one as passed.
func (t *trial) reach(stage string) {
	all := []string{StageName, StageTCP, StageTLS, StageConnect, StageSubscribe}
	if !t.secure {
		all = slices.Delete(all, 2, 3)
	}
	for _, s := range all[len(t.steps):] {
		t.steps = append(t.steps, Step{Stage: s})
		if s == stage {
			break
		}
	}
}

// failed are the steps up to where an attempt has ended.
func (t *trial) failed(err error) []Step {
	stage, problem := StageConnect, connectProblem(err)
	switch {
	case !t.dialed.Load():
		stage, problem = dialProblem(err)
	case t.secure && !t.proved.Load():
		stage, problem = StageTLS, tlsProblem(err)
	}
	t.reach(stage)
	last := &t.steps[len(t.steps)-1]
	last.Problem, last.Cause = problem, err.Error()
	return t.steps
}

// judge completes the stage of the subscription.
func (t *trial) judge(refused []string, err error) {
	last := &t.steps[len(t.steps)-1]
	switch {
	case err != nil:
		last.Problem, last.Cause = connectProblem(err), err.Error()
	case len(refused) > 0:
		last.Problem, last.Filters = ProblemFilters, refused
	}
}

func dialProblem(err error) (stage, problem string) {
	switch code := fault.NetworkCode(err); code {
	case fault.Name, fault.Inner:
		return StageName, string(code)
	case fault.Silent:
		return StageTCP, ProblemSilent
	}
	return StageTCP, ProblemClosed
}

func tlsProblem(err error) string {
	switch code := fault.NetworkCode(err); code {
	case fault.NoTLS, fault.Authority, fault.Host, fault.Expired, fault.Silent:
		return string(code)
	}
	return ProblemTLS
}

func connectProblem(err error) string {
	if refused, ok := errors.AsType[*mqttclient.ServerError](err); ok {
		switch refused.Reason {
		case mqtt.BadUserNameOrPassword, mqtt.NotAuthorized, mqtt.ClientIdentifierNotValid, mqtt.Banned:
			return ProblemLogin
		}
		return ProblemRefused
	}
	if fault.NetworkCode(err) == fault.Silent || errors.Is(err, mqttclient.ErrNoAnswer) {
		return ProblemSilent
	}
	return ProblemSpeech
}

// subscribeOnce returns the filters that the broker doesn't grant.
func subscribeOnce(ctx context.Context, w *mqttclient.Wire, list []mqtt.Subscription) (refused []string, err error) {
	for i := range list {
		list[i].RetainHandling = 2
	}
	if err := w.Write((&mqtt.Subscribe{PacketID: subscribeID, Filters: list}).Append(nil, w.Version)); err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline()
	for range tryFrames {
		f, err := w.Next(max(time.Until(until), time.Millisecond))
		if err != nil {
			return nil, err
		}
		if f.Type() != mqtt.SUBACK { // retained messages of a broker before 5.0
			if time.Now().After(until) {
				return nil, mqttclient.ErrNoAnswer
			}
			continue
		}
		ack, err := mqtt.DecodeSuback(f, w.Version)
		if err != nil {
			return nil, err
		}
		if len(ack.Reasons) != len(list) {
			return nil, fmt.Errorf("the broker answered %d of %d subscriptions", len(ack.Reasons), len(list))
		}
		for i, reason := range ack.Reasons {
			if reason >= 0x80 {
				refused = append(refused, string(list[i].Filter))
			}
		}
		return refused, nil
	}
	return nil, errors.New("the broker sends messages instead of an answer to the subscription")
}
