package conformance

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// scripted is a broker that answers the nth packet with the nth answer and closes behind the last one when it ends with
// "end".
func scripted(t *testing.T, answers ...string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(&conn{stream: &stream{Conn: c}}, answers)
		}
	}()
	return ln.Addr().String()
}

func answer(c *conn, answers []string) {
	defer c.Close()
	for _, a := range answers {
		if _, err := c.next(10 * time.Second); err != nil {
			return
		}
		words, last := strings.CutSuffix(a, "end")
		r := &reading{names: &names{}}
		c.Write(r.raw(strings.Fields(words)))
		if last {
			return
		}
	}
	c.next(10 * time.Second) // until the other side closes
}

// The runner itself: it notices what is wrong, and is content with what is right.
func TestRunner(t *testing.T) {
	const hello = "a > CONNECT id=x clean\na < CONNACK\n"
	const welcome = "20 ( 00 00 ( ) )"
	const back = "20 ( 01 00 ( ) )" // with a session
	tests := []struct {
		name    string
		steps   string
		answers []string
		want    string // empty: fulfilled
	}{
		{"good", hello + "a > PINGREQ\na < PINGRESP", []string{welcome, "d0 00"}, ""},
		{"refused", hello, []string{"20 ( 00 87 ( ) )"}, "code is 0x87, want 0"},
		{"no answer", hello, []string{""}, "waiting for CONNACK"},
		{"closed", hello, []string{"end"}, "the broker has closed"},
		{"nonsense", hello, []string{"00 00"}, "nonsense"},
		{"another packet", hello, []string{"d0 00"}, "a packet before CONNACK"},
		{"malformed", hello, []string{"20 ( 00 00 ( 7f ) )"}, "malformed packet"},
		{"another topic", hello + "a > PINGREQ\na < PUBLISH topic=t", []string{welcome, "30 ( 'u' ( ) )"}, `topic is "u"`},
		{"another payload", hello + "a > PINGREQ\na < PUBLISH topic=t payload=x", []string{welcome, "30 ( 't' ( ) )"}, "payload is"},
		{"RETAIN too many", hello + "a > PINGREQ\na < PUBLISH topic=t", []string{welcome, "31 ( 't' ( ) )"}, "retain is true"},
		{"a property too many", hello + "a > PINGREQ\na < PUBLISH topic=t", []string{welcome, "30 ( 't' ( 01 01 ) )"}, "properties is"},
		{"DUP", hello + "a > PINGREQ\na < PUBLISH topic=t qos=1 id=@1", []string{back, "3a ( 't' 0001 ( ) )"}, "dup is true"},
		{"DUP either way", hello + "a > PINGREQ\na < PUBLISH topic=t qos=1 id=@1 dup=any", []string{back, "3a ( 't' 0001 ( ) )"}, ""},
		{"expiry in range", hello + "a > PINGREQ\na < PUBLISH topic=t expiry=3..5", []string{welcome, "30 ( 't' ( 02 00000005 ) )"}, ""},
		{"expiry out of range", hello + "a > PINGREQ\na < PUBLISH topic=t expiry=3..5", []string{welcome, "30 ( 't' ( 02 00000006 ) )"}, "expiry is 6"},
		{"another identifier", hello + "a > PUBLISH topic=t qos=1 id=5\na < PUBACK id=5", []string{welcome, "40 ( 0006 )"}, "id is 6"},
		{"a refusing PUBACK", hello + "a > PUBLISH topic=t qos=1 id=5\na < PUBACK id=5", []string{welcome, "40 ( 0005 87 )"}, "code is 0x87"},
		{"SUBACK codes", hello + "a > SUBSCRIBE id=1 filter=a qos=1\na < SUBACK id=1 codes=1", []string{welcome, "90 ( 0001 ( ) 00 )"}, "code 1 is 0x00"},
		{"any order", hello + "a > PINGREQ\na <* PUBLISH topic=t\na <* PINGRESP", []string{welcome, "d0 00 30 ( 't' ( ) )"}, ""},
		{"any order, another", hello + "a > PINGREQ\na <* PUBLISH topic=t\na <* PINGRESP", []string{welcome, "d0 00 d0 00"}, "want PUBLISH"},
		{"nothing", hello + "a < NOTHING", []string{welcome, "d0 00"}, ""},
		{"not nothing", hello + "a < NOTHING", []string{welcome, "30 ( 't' ( ) ) d0 00"}, "want nothing"},
		{"close", hello + "a > PINGREQ\na < CLOSE", []string{welcome, "end"}, ""},
		{"close with a code", hello + "a > PINGREQ\na < CLOSE code=0x82", []string{welcome, "e0 ( 82 ) end"}, ""},
		{"close with another code", hello + "a > PINGREQ\na < CLOSE code=0x82", []string{welcome, "e0 ( 81 ) end"}, "code is 0x81"},
		{"close with another packet", hello + "a > PINGREQ\na < CLOSE", []string{welcome, "d0 00 end"}, "got PINGRESP"},
		{"code without close", hello + "a > PINGREQ\na < CLOSE code=0x82 within=100ms", []string{welcome, "e0 ( 82 )"}, "still open"},
		{"no close", hello + "a > PINGREQ\na < CLOSE within=100ms", []string{welcome, ""}, "still open"},
		{"or-close", hello + "a > PINGREQ\na < PINGRESP or-close=0x82\na < PINGRESP", []string{welcome, "e0 ( 82 ) end"}, ""},
		{"or-close with another code", hello + "a > PINGREQ\na < PINGRESP or-close=0x82", []string{welcome, "e0 ( 81 ) end"}, "want PINGRESP"},
		{"no connection", "b < CONNACK", nil, "connection b is not open"},
		{"an identifier that has not come", hello + "a > PUBACK id=@9", []string{welcome}, "@9 has not come"},
		{"an unknown argument", hello + "a > PUBLISH toppic=t", []string{welcome}, "toppic is not known"},
		{"DUP in a new session", hello + "a > PINGREQ\na < PUBLISH topic=t qos=1 id=@1 dup=any", []string{welcome, "3a ( 't' 0001 ( ) )"}, "DUP in a new session"},
		{"an identifier in use", hello + "a > PINGREQ\na < PUBLISH topic=t qos=1 id=@1\na < NOTHING", []string{welcome, "32 ( 't' 0001 ( ) ) 32 ( 't' 0001 ( ) )"}, "is in use"},
		{"over Receive Maximum", "a > CONNECT id=x clean receive-max=1\na < CONNACK\na > PINGREQ\na < PUBLISH topic=t qos=1 id=@1\na < NOTHING", []string{welcome, "32 ( 't' 0001 ( ) ) 32 ( 't' 0002 ( ) )"}, "over the client's Receive Maximum"},
		{"over Maximum Packet Size", "a > CONNECT id=x clean max-packet=8\na < CONNACK\na > PINGREQ\na < PUBLISH topic=t", []string{welcome, "30 ( 't' ( ) \"12345\" )"}, "Maximum Packet Size"},
		{"an alias nobody allowed", hello + "a > PINGREQ\na < PUBLISH topic=t", []string{welcome, "30 ( 't' ( 23 0001 ) )"}, "over the client's maximum"},
		{"an alias", "a > CONNECT id=x clean alias-max=1\na < CONNACK\na > PINGREQ\na < PUBLISH topic=t\na < PUBLISH topic=t payload=y", []string{welcome, "30 ( 't' ( 23 0001 ) ) 30 ( '' ( 23 0001 ) \"y\" )"}, ""},
		{"words nobody wanted", "a > CONNECT id=x clean no-problem-info\na < CONNACK\na > PUBREL id=7\na < PUBCOMP id=7 code=0x92", []string{welcome, "70 ( 0007 92 ( 1f 'why' ) )"}, "did not want"},
		{"a second CONNACK", hello + "a < NOTHING", []string{welcome, welcome}, "a second CONNACK"},
		{"behind DISCONNECT", hello + "a > PINGREQ\na < CLOSE", []string{welcome, "e0 ( 82 ) d0 00 end"}, "behind DISCONNECT"},
		{"not offered", "needs shared\n" + hello, []string{"20 ( 00 00 ( 2a 00 ) )"}, "does not offer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cs, err := parse("f", "case x: y\nversions 5.0\n"+tt.steps)
			if err != nil {
				t.Fatal(err)
			}
			err = Run(t.Context(), Target{Addr: scripted(t, tt.answers...), Timeout: 500 * time.Millisecond}, cs[0], mqtt.V5)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if errors.Is(err, ErrNotOffered) != (tt.name == "not offered") {
				t.Errorf("ErrNotOffered: %v", err)
			}
		})
	}
}
