package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

const subHead = `Subscribe to topics of an MQTT broker and print the messages.

Usage: tsunagi sub [-h host] [-p port] -t filter [-t filter …] [options]
       tsunagi sub -L mqtts://user@host/filter
`

const subTail = `
Format (-F): %t topic, %p payload, %x %X payload in hex, %l its length, %q QoS, %r retained (0 or 1), %U time in
  seconds, %I time as ISO 8601, %j all as JSON, %J the same with the payload as JSON; of 5.0: %C content type,
  %R response topic, %D correlation data, %E expiry, %F payload format, %P user properties, %S subscription
  identifiers; %% a percent sign; \n \t \r \\ \0 \e as usual.

Examples:
  tsunagi sub -t test
  tsunagi sub -h broker.example --cafile ca.pem -u home:desk -t 'room/#' -v
  tsunagi sub -L wss://broker.example/mqtt -u home:desk -t alarm -C 1 -W 60
`

// sub are the options of the command.
type sub struct {
	common
	topics                          []string
	count                           int
	patience                        int // seconds
	verbose, noEOL, noStale         bool
	retainedOnly, exitWhenSubscribe bool
	format                          string

	print func(w io.Writer, m *mqttclient.Message, now time.Time) error
}

// Sub runs the command sub with its args (without the command's name) and returns its exit code. It ends, with
// DISCONNECT, when ctx does: code 0, or 130 when -C still waited for messages.
func Sub(ctx context.Context, args []string, _ io.Reader, out, errOut io.Writer) int {
	s := &sub{}
	err := s.parse(args, out)
	if err == nil {
		err = s.run(ctx, out, errOut)
	}
	return report("sub", &s.common, err, errOut)
}

func (s *sub) parse(args []string, out io.Writer) error {
	f := pflag.NewFlagSet("sub", pflag.ContinueOnError)
	f.StringArrayVarP(&s.topics, "topic", "t", nil, "topic `filter`, may be repeated; + is any level, # at the end all below")
	f.IntVarP(&s.count, "count", "C", 0, "end after `n` messages")
	f.IntVarP(&s.patience, "timeout", "W", 0, "end after so many `seconds`, with exit code 27")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "print the topic before the payload")
	f.StringVarP(&s.format, "format", "F", "", "how to print a message: a `format`, see below")
	f.BoolVarP(&s.noEOL, "no-newline", "N", false, "no new line behind the payload")
	f.BoolVarP(&s.noStale, "no-retained", "R", false, "don't print retained messages of before the subscription")
	f.BoolVar(&s.retainedOnly, "retained-only", false, "print only those, and end at the first other one")
	f.BoolVarP(&s.exitWhenSubscribe, "exit-subscribed", "E", false, "end when the broker has confirmed the subscriptions")
	s.declare(f)
	if err := s.common.parse(args, out, subHead, subTail); err != nil {
		return err
	}
	topic, err := s.readURL()
	if err != nil {
		return err
	}
	if topic != "" {
		s.topics = append(s.topics, topic)
	}
	switch {
	case len(s.topics) == 0:
		return usage("the topic is missing: -t")
	case s.count < 0 || s.patience < 0:
		return usage("-C and -W: want 1 or more")
	case s.noStale && s.retainedOnly:
		return usage("-R and --retained-only leave nothing to print")
	}
	if s.format == "" {
		s.format = "%p"
		if s.verbose {
			s.format = "%t %p"
		}
	}
	if !s.noEOL {
		s.format += "\\n"
	}
	s.print, err = formatter(s.format)
	return err
}

func (s *sub) run(ctx context.Context, out, errOut io.Writer) error {
	o, err := s.options()
	if err != nil {
		return err
	}
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if s.patience > 0 {
		t := time.AfterFunc(time.Duration(s.patience)*time.Second, func() { cancel(errTimeout) })
		defer t.Stop()
	}
	p := &printer{sub: s, out: out, end: cancel, left: s.count}
	o.OnMessage = p.message
	o.OnRefused = func(filter string, why mqtt.Reason) {
		fmt.Fprintf(errOut, "tsunagi sub: after the reconnect the broker refused %q: %v\n", filter, why)
	}
	client, err := s.connect(work, o, true, errOut)
	if err != nil {
		return ended(work, err)
	}
	err = s.subscribe(work, client, errOut)
	if err == nil && !s.exitWhenSubscribe {
		if err = <-client.ran; err == nil {
			err = work.Err()
		}
		return s.result(ctx, ended(work, err))
	}
	client.leave(work)
	return s.result(ctx, ended(work, err))
}

// errEnough ends the command well.
var errEnough = errors.New("all has been received")

// ended replaces an error that comes from the end of ctx with the cause of that.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// result is good where the end was what the user wanted.
func (s *sub) result(ctx context.Context, err error) error {
	if errors.Is(err, errEnough) || s.count == 0 && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// subscribe asks for all filters. One that is refused is told; all refused is an error.
func (s *sub) subscribe(ctx context.Context, client *session, errOut io.Writer) error {
	var subs []mqttclient.Subscription
	for _, f := range s.topics {
		subs = append(subs, mqttclient.Subscription{Filter: f, QoS: byte(s.qos)})
	}
	reasons, err := client.Subscribe(ctx, subs...)
	var refused *mqttclient.ServerError
	if err != nil && !errors.As(err, &refused) {
		return client.why(err)
	}
	granted := 0
	for i, r := range reasons {
		if !r.Failed() {
			granted++
			s.tell(errOut, "subscribed to %q, QoS %d granted", s.topics[i], r)
		} else if len(reasons) > 1 && !s.quiet {
			fmt.Fprintf(errOut, "tsunagi sub: the broker refused %q: %v\n", s.topics[i], r)
		}
	}
	if granted > 0 {
		return nil
	}
	return err
}

// printer prints messages until there are enough.
type printer struct {
	*sub
	out io.Writer
	end func(error)

	mu   sync.Mutex // guards left and over
	left int
	over bool
}

// message prints m. What comes after the end is refused: in a session of -c the broker keeps it for the next time.
func (p *printer) message(m *mqttclient.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		m.Refuse()
		return
	case p.noStale && m.Retain:
		return
	case p.retainedOnly && !m.Retain:
		p.stop(errEnough)
		return
	}
	if err := p.print(p.out, m, time.Now()); err != nil {
		m.Refuse()
		p.stop(fmt.Errorf("print a message: %w", err))
		return
	}
	if p.left--; p.left == 0 {
		p.stop(errEnough)
	}
}

func (p *printer) stop(why error) {
	p.over = true
	p.end(why)
}
