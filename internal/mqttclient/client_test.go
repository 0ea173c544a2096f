package mqttclient

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

var ok = mqtt.Connack{MaxQoS: 2}

func TestConnectSaysAll(t *testing.T) {
	s := newFake(t)
	connected := make(chan *mqtt.Connack, 1)
	s.start(Options{Version: mqtt.V5, ClientID: "c", Clean: true, KeepAlive: 1500 * time.Millisecond, User: "u",
		Password: []byte("p"), SessionExpiry: 9, ReceiveMaximum: 5, TopicAliasMax: 6, RequestResponse: true,
		NoProblemInfo: true, UserProps: []mqtt.Pair{{Key: "k", Value: "v"}}, MaxPacket: 4096, WillDelay: 3,
		Will:      &Message{Topic: "w", Payload: []byte("gone"), QoS: 1, Retain: true, HasExpiry: true, Expiry: 7},
		OnConnect: func(a *mqtt.Connack) { connected <- a }})
	_, got := s.connect(mqtt.Connack{MaxQoS: 2, AssignedID: "given"})
	want := &mqtt.Connect{Version: mqtt.V5, Clean: true, KeepAlive: 2, ClientID: []byte("c"), HasUser: true,
		User: []byte("u"), HasPassword: true, Password: []byte("p"), SessionExpiry: 9, HasSessionExpiry: true,
		ReceiveMaximum: 5, MaxPacket: 4096, TopicAliasMax: 6, RequestResponse: true,
		UserProps: []mqtt.Pair{{Key: "k", Value: "v"}},
		Will: &mqtt.Will{QoS: 1, Retain: true, Delay: 3, Topic: []byte("w"), Payload: []byte("gone"),
			Props: mqtt.PublishProps{HasExpiry: true, Expiry: 7}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if a := await(t, connected); a.AssignedID != "given" {
		t.Errorf("OnConnect got %+v", a)
	}
}

func TestRefused(t *testing.T) {
	s := newFake(t)
	heard := make(chan error, 1)
	c := s.start(Options{Version: mqtt.V5, Clean: true, Retry: func(error) bool { return false },
		OnDisconnect: func(err error) { heard <- err }})
	s.connect(mqtt.Connack{Reason: mqtt.UseAnotherServer, ReasonString: "use 8883", ServerReference: "other:8883"})
	err := await(t, heard)
	wantError(t, err, mqtt.UseAnotherServer)
	for _, part := range []string{"refused the connection", "use another server", "use 8883", "other:8883"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not tell %q", err, part)
		}
	}
	<-c.ended
	wantError(t, c.Publish(context.Background(), &Message{Topic: "t"}), ErrClosed)
	if _, err := c.Subscribe(context.Background(), Subscription{Filter: "t"}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	wantError(t, c.Drain(context.Background()), ErrClosed)
	wantError(t, c.Run(context.Background()), ErrRunning)
}

func TestReturnCode(t *testing.T) {
	s := newFake(t)
	heard := make(chan error, 1)
	s.start(Options{Clean: true, Retry: func(error) bool { return false }, OnDisconnect: func(err error) { heard <- err }})
	s.connect(mqtt.Connack{Reason: mqtt.BadUserNameOrPassword})
	wantError(t, await(t, heard), mqtt.BadUserNameOrPassword)
}

func TestNotABroker(t *testing.T) {
	for _, tt := range []struct{ name, answer, want string }{
		{"SSH", "SSH-2.0-x\r\n", "did not answer with CONNACK"},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat(" ", 200), "CONNACK"},
	} {
		s := newFake(t)
		heard := make(chan error, 1)
		s.start(Options{Clean: true, Retry: func(error) bool { return false }, OnDisconnect: func(err error) { heard <- err }})
		p := s.accept()
		p.expect(mqtt.CONNECT)
		p.send([]byte(tt.answer))
		if err := await(t, heard); !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestNoAnswerToConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		heard := make(chan error, 1)
		s.start(Options{Clean: true, ConnectTimeout: 3 * time.Second, Retry: func(error) bool { return false },
			OnDisconnect: func(err error) { heard <- err }})
		s.accept().expect(mqtt.CONNECT)
		began := time.Now()
		err := <-heard
		wantError(t, err, context.DeadlineExceeded)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestServerSaysWhyItEnds(t *testing.T) {
	s := newFake(t)
	heard := make(chan error, 10)
	s.start(Options{Version: mqtt.V5, Clean: true, OnDisconnect: func(err error) { heard <- err }})
	p, _ := s.connect(ok)
	d := mqtt.Disconnect{Reason: mqtt.ServerShuttingDown, ReasonString: "back soon"}
	p.send(d.Append(nil, mqtt.V5))
	p.expectEnd()
	err := await(t, heard)
	wantError(t, err, mqtt.ServerShuttingDown)
	if !strings.Contains(err.Error(), "back soon") {
		t.Error(err)
	}
	s.connect(ok) // and it comes back
}

func TestDisconnect(t *testing.T) {
	s := newFake(t)
	c := s.start(Options{Version: mqtt.V5, Clean: true})
	p, _ := s.connect(ok)
	gone := later(func() error {
		return c.Disconnect(context.Background(), mqtt.Disconnect{Reason: mqtt.DisconnectWithWill})
	})
	d, err := mqtt.DecodeDisconnect(p.expect(mqtt.DISCONNECT), mqtt.V5)
	if err != nil || d.Reason != mqtt.DisconnectWithWill {
		t.Errorf("%+v, %v", d, err)
	}
	p.conn.Close()
	if err := await(t, gone); err != nil {
		t.Error(err)
	}
}

func TestContextEndsPolitely(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V31, mqtt.V311, mqtt.V5} {
		s := newFake(t)
		connected := make(chan bool, 1)
		c, err := New(Options{Addr: "b", Dial: s.dial, Version: v, ClientID: "c", Clean: true,
			OnConnect: func(*mqtt.Connack) { connected <- true }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ran := later(func() error { return c.Run(ctx) })
		p, _ := s.connect(ok)
		await(t, connected) // before CONNACK there is nobody to say DISCONNECT to
		cancel()
		p.expect(mqtt.DISCONNECT)
		p.conn.Close()
		if err := await(t, ran); err != nil {
			t.Error(err)
		}
	}
}

// A server that neither reads nor closes doesn't hold the end up.
func TestDisconnectIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		c := s.start(Options{Clean: true})
		s.connect(ok)
		began := time.Now()
		if err := c.Disconnect(context.Background(), mqtt.Disconnect{}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > leaveTimeout {
			t.Errorf("took %v", took)
		}
	})
}

func TestDisconnectWhileAway(t *testing.T) {
	s := newFake(t) // nobody accepts
	c := s.start(Options{Clean: true})
	if err := c.Disconnect(context.Background(), mqtt.Disconnect{}); err != nil {
		t.Error(err)
	}
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		heard := make(chan error, 10)
		s.start(Options{Version: mqtt.V5, Clean: true, KeepAlive: time.Hour, RetryMin: time.Second,
			OnDisconnect: func(err error) { heard <- err }})
		p, _ := s.connect(mqtt.Connack{MaxQoS: 2, HasServerKeepAlive: true, ServerKeepAlive: 8})
		for range 3 {
			before := time.Now()
			p.expect(mqtt.PINGREQ)
			if took := time.Since(before); took > 8*time.Second {
				t.Errorf("ping after %v", took)
			}
			p.send(mqtt.AppendPing(nil, mqtt.PINGRESP))
		}
		p.expect(mqtt.PINGREQ)
		before := time.Now()
		wantError(t, <-heard, ErrNoAnswer)
		if took := time.Since(before); took > 8*time.Second {
			t.Errorf("silence noticed after %v", took)
		}
		s.connect(mqtt.Connack{MaxQoS: 2, HasServerKeepAlive: true}) // 0: off
	})
}

// A connection over which only publishes go out is found dead, too.
func TestKeepAliveWhilePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		heard := make(chan error, 1)
		c := s.start(Options{Clean: true, KeepAlive: 8 * time.Second, RetryMin: time.Minute, RetryMax: time.Minute,
			OnDisconnect: func(err error) {
				select {
				case heard <- err:
				default:
				}
			}})
		p, _ := s.connect(ok)
		p.conn.SetReadDeadline(time.Time{})
		go func() { // ends with the connection
			for {
				if _, err := p.next(); err != nil {
					return
				}
			}
		}()
		for range 30 {
			c.PublishAsync(&Message{Topic: "t"}, nil)
			time.Sleep(time.Second)
		}
		select {
		case err := <-heard:
			wantError(t, err, ErrNoAnswer)
		default:
			t.Error("the dead connection was not noticed")
		}
	})
}

func TestRetryPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t)
		var at []time.Time
		c := s.start(Options{Clean: true, RetryMin: time.Second, RetryMax: 4 * time.Second, KeepAlive: -1})
		for range 6 {
			p := s.accept()
			at = append(at, time.Now())
			p.conn.Close()
		}
		for i, longest := range []time.Duration{1, 2, 4, 4, 4} {
			if d := at[i+1].Sub(at[i]); d < longest*time.Second/2 || d > longest*time.Second {
				t.Errorf("pause %d was %v, want %ds or up to half less", i, d, longest)
			}
		}
		p, _ := s.connect(ok) // holds long: the pauses begin anew
		time.Sleep(time.Minute)
		p.conn.Close()
		ended := time.Now()
		s.connect(ok)
		if d := time.Since(ended); d > time.Second {
			t.Errorf("pause after a good connection: %v", d)
		}
		_ = c
	})
}

func TestOptions(t *testing.T) {
	bad := []struct {
		o    Options
		want string
	}{
		{Options{Addr: "h"}, "client id is empty"},
		{Options{Addr: "h", Version: mqtt.V31, Clean: true}, "3.1 needs one"},
		{Options{Addr: "http://h", Clean: true}, "want mqtt, mqtts, ws or wss"},
		{Options{Addr: "mqtt://h/path", Clean: true}, "a path needs ws"},
		{Options{Addr: "mqtt://:1883", Clean: true}, "host is missing"},
		{Options{Addr: "mqtt://%zz:secret@h", Clean: true}, "want host:port"},
		{Options{Addr: "h", Clean: true, Version: 6}, "version 6"},
		{Options{Addr: "h", Clean: true, ClientID: "a\x00"}, "U+0000"},
		{Options{Addr: "h", Clean: true, Password: []byte("p")}, "without a user"},
		{Options{Addr: "h", Clean: true, KeepAlive: 24 * time.Hour}, "keep-alive"},
		{Options{Addr: "h", Clean: true, MaxPacket: 1}, "max packet"},
		{Options{Addr: "h", Clean: true, Inflight: 70000}, "inflight"},
		{Options{Addr: "h", Clean: true, RetryMin: time.Minute, RetryMax: time.Second}, "longest pause"},
		{Options{Addr: "h", Clean: true, Will: &Message{Topic: "a/#"}}, "will: "},
	}
	for _, tt := range bad {
		if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, want %q", tt.o, err, tt.want)
		}
	}
	good := []struct {
		addr, host string
		tls        bool
	}{
		{"h", "h:1883", false}, {"h:99", "h:99", false}, {"mqtts://h", "h:8883", true}, {"ssl://h:1", "h:1", true},
		{"ws://h", "h:80", false}, {"wss://h/x", "h:443", true}, {"[::1]:5", "[::1]:5", false}, {"mqtt://u:p@h", "h:1883", false},
	}
	for _, tt := range good {
		c, err := New(Options{Addr: tt.addr, Clean: true})
		if err != nil || c.to.host != tt.host || c.to.secure != tt.tls {
			t.Errorf("%s: %+v, %v", tt.addr, c, err)
		}
	}
	c, _ := New(Options{Addr: "mqtt://u:p@h", Clean: true})
	if c.o.User != "u" || string(c.o.Password) != "p" {
		t.Error("user and password of the URL are not used")
	}
}
