package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

const pubHead = `Publish messages to an MQTT broker.

Usage: tsunagi pub [-h host] [-p port] -t topic {-m message | -f file | -s | -l | -n} [options]
       tsunagi pub -L mqtts://user@host/topic -m message
`

const pubTail = `
Examples:
  tsunagi pub -t test -m hello
  tsunagi pub -h broker.example --cafile ca.pem -u home:sensor -t room/temperature -m 21.5 -q 1 -r
  tail -f log | tsunagi pub -L wss://broker.example/mqtt -u home:logger -t log -l
`

// maxPayload bounds what -f, -s and a line of -l hold, in bytes.
const maxPayload = 256 << 20

// pub are the options of the command.
type pub struct {
	common
	topic, message, file                 string
	stdin, lines, null, retain           bool
	repeat                               int
	pause                                float64 // seconds
	contentType, responseTopic, correlat string
	expiry                               int64
	userProps                            []string
}

// Pub runs the command pub with its args (without the command's name) and returns its exit code. It ends early, with
// DISCONNECT, when ctx does.
func Pub(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	p := &pub{}
	err := p.parse(args, out)
	if err == nil {
		err = p.run(ctx, in, errOut)
	}
	return report("pub", &p.common, err, errOut)
}

func (p *pub) parse(args []string, out io.Writer) error {
	f := pflag.NewFlagSet("pub", pflag.ContinueOnError)
	f.StringVarP(&p.topic, "topic", "t", "", "`topic` to publish to")
	f.StringVarP(&p.message, "message", "m", "", "the `payload`")
	f.StringVarP(&p.file, "file", "f", "", "the payload is the content of this `file`")
	f.BoolVarP(&p.stdin, "stdin-file", "s", false, "the payload is all of the standard input")
	f.BoolVarP(&p.lines, "stdin-line", "l", false, "each line of the standard input is a message")
	f.BoolVarP(&p.null, "null-message", "n", false, "the payload is empty")
	f.BoolVarP(&p.retain, "retain", "r", false, "the message is retained")
	f.IntVar(&p.repeat, "repeat", 1, "publish the message `n` times")
	f.Float64Var(&p.pause, "repeat-delay", 0, "`seconds` between repetitions")
	f.StringVar(&p.contentType, "content-type", "", "content `type` (5.0)")
	f.StringVar(&p.responseTopic, "response-topic", "", "response `topic` (5.0)")
	f.StringVar(&p.correlat, "correlation", "", "correlation `data` (5.0)")
	f.Int64Var(&p.expiry, "expiry", -1, "`seconds` after which nobody needs the message any more (5.0)")
	f.StringArrayVar(&p.userProps, "user-property", nil, "user property `name=value`, may be repeated (5.0)")
	p.declare(f)
	if err := p.common.parse(args, out, pubHead, pubTail); err != nil {
		return err
	}
	topic, err := p.readURL()
	if err != nil {
		return err
	}
	if p.topic == "" {
		p.topic = topic
	}
	return p.check()
}

func (p *pub) check() error {
	sources := 0
	for _, name := range []string{"message", "file", "stdin-file", "stdin-line", "null-message"} {
		if p.flags.Changed(name) {
			sources++
		}
	}
	switch {
	case p.topic == "":
		return usage("the topic is missing: -t")
	case strings.ContainsAny(p.topic, "+#"):
		return usage("-t %q: + and # are for subscriptions", p.topic)
	case sources != 1:
		return usage("say once what to publish: -m, -f, -s, -l or -n")
	case p.repeat < 1:
		return usage("--repeat %d: want at least 1", p.repeat)
	case p.repeat > 1 && p.lines:
		return usage("--repeat does not go with -l")
	case p.pause < 0:
		return usage("--repeat-delay: want 0 or more seconds")
	case p.expiry < -1 || p.expiry > 0xFFFF_FFFF:
		return usage("--expiry %d: want 0 to 4294967295 seconds", p.expiry)
	}
	for _, u := range p.userProps {
		if !strings.Contains(u, "=") {
			return usage("--user-property %q: want name=value", u)
		}
	}
	return nil
}

// template is the message without its payload.
func (p *pub) template() mqttclient.Message {
	m := mqttclient.Message{Topic: p.topic, QoS: byte(p.qos), Retain: p.retain, ContentType: p.contentType,
		ResponseTopic: p.responseTopic, HasExpiry: p.expiry >= 0}
	if m.HasExpiry {
		m.Expiry = uint32(p.expiry)
	}
	if p.correlat != "" {
		m.Correlation = []byte(p.correlat)
	}
	for _, u := range p.userProps {
		k, v, _ := strings.Cut(u, "=")
		m.UserProps = append(m.UserProps, mqtt.Pair{Key: k, Value: v})
	}
	return m
}

func (p *pub) run(ctx context.Context, in io.Reader, errOut io.Writer) error {
	o, err := p.options()
	if err != nil {
		return err
	}
	payload, err := p.payload(in)
	if err != nil {
		return err
	}
	s, err := p.connect(ctx, o, p.lines, errOut)
	if err != nil {
		return err
	}
	if p.lines {
		err = p.publishLines(ctx, s, in, errOut)
	} else {
		err = p.publishAll(ctx, s, payload, errOut)
	}
	s.leave(ctx)
	return s.why(err)
}

// payload is that of -m, -f, -s and -n.
func (p *pub) payload(in io.Reader) ([]byte, error) {
	from := in
	switch {
	case p.file != "":
		f, err := os.Open(p.file)
		if err != nil {
			return nil, usage("-f: %v", err)
		}
		defer f.Close()
		from = f
	case !p.stdin:
		return []byte(p.message), nil
	}
	b, err := io.ReadAll(io.LimitReader(from, maxPayload+1))
	if err == nil && len(b) > maxPayload {
		return nil, usage("the payload is larger than MQTT allows, 256 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("read the payload: %w", err)
	}
	return b, nil
}

// publishAll sends the message as often as --repeat says.
func (p *pub) publishAll(ctx context.Context, s *session, payload []byte, errOut io.Writer) error {
	for i := range p.repeat {
		if i > 0 && p.pause > 0 {
			select {
			case <-time.After(time.Duration(p.pause * float64(time.Second))):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		m := p.template()
		m.Payload = payload
		if err := s.Publish(ctx, &m); err != nil {
			return err
		}
		p.tell(errOut, "published %d bytes to %q", len(payload), p.topic)
	}
	return nil
}

// publishLines sends each line. Reading waits while the outbox is full, so that a slow broker slows the source down.
func (p *pub) publishLines(ctx context.Context, s *session, in io.Reader, errOut io.Writer) error {
	var mu sync.Mutex
	var first error
	room := make(chan struct{}, 1)
	done := func(err error) {
		mu.Lock()
		if first == nil {
			first = err
		}
		mu.Unlock()
		select {
		case room <- struct{}{}:
		default:
		}
	}
	failed := func() error { mu.Lock(); defer mu.Unlock(); return first }
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxPayload)
	n := 0
	for failed() == nil && lines.Scan() {
		m := p.template()
		m.Payload = []byte(lines.Text())
		err := s.PublishAsync(&m, done)
		for ; errors.Is(err, mqttclient.ErrOutboxFull); err = s.PublishAsync(&m, done) {
			select {
			case <-room:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
		n++
	}
	err := s.Drain(ctx)
	if first := failed(); first != nil {
		return first
	}
	p.tell(errOut, "published %d lines to %q", n, p.topic)
	if lines.Err() != nil {
		return fmt.Errorf("read the standard input: %w", lines.Err())
	}
	return err
}
