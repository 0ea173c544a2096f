package hook

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"tsunagi/internal/filling"
	"tsunagi/internal/outside"
)

// TestInner is attack row 24: by whatever name or redirect, a webhook doesn't reach inside.
func TestInner(t *testing.T) {
	inside := newReceiver(t, nil)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	s := newSite(t, func(o *Options) {
		o.Dial = (&outside.Dialer{}).DialContext
		o.DialPlain = (&outside.Dialer{}).DialContext
		o.Attempts = 1
	})
	m := &filling.Message{ID: "x", Type: "message", Topic: "a", Payload: []byte("x")}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "[fd00::1]", "2130706433", "0x7f.1"} {
		for _, scheme := range []string{"http://", "https://"} {
			ctx, cancel := context.WithTimeout(context.Background(), 20e9)
			if got := s.hooks.Try(ctx, postTo(scheme+host+port+"/?token=canary", "a"), m); got.Done || strings.Contains(got.Cause, "canary") {
				t.Errorf("%s%s: %+v", scheme, host, got)
			}
			cancel()
		}
	}
	if n := len(inside.calls()); n != 0 {
		t.Errorf("%d calls reached inside", n)
	}
}

// TestRedirects lets a receiver send the call elsewhere: only as a POST, and never to an address that is refused.
func TestRedirects(t *testing.T) {
	to, status := "", 307
	front := newReceiver(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, to, status)
	})
	inside := newReceiver(t, nil)
	s := newSite(t, func(o *Options) { // the front is allowed, 127.0.0.2 isn't
		d := &outside.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Only: true}
		o.Dial, o.DialPlain = d.DialContext, d.DialContext
	})
	m := &filling.Message{ID: "x", Type: "message", Topic: "a", Payload: []byte("x")}
	try := func() Tried { return s.hooks.Try(context.Background(), postTo(front.URL, "a"), m) }
	to = strings.Replace(inside.URL, "127.0.0.1", "127.0.0.2", 1)
	if got := try(); got.Done || len(inside.calls()) != 0 {
		t.Errorf("inside by a redirect: %+v", got)
	}
	to, status = inside.URL, 302
	if got := try(); got.Done || len(inside.calls()) != 0 {
		t.Errorf("a redirect that drops the message: %+v", got)
	}
	status = 308
	if got := try(); !got.Done || len(inside.calls()) != 1 || len(inside.calls()[0].body) == 0 {
		t.Errorf("a redirect that keeps it: %+v", got)
	}
	to = front.URL
	if got := try(); got.Done || !strings.Contains(got.Cause, "redirects") {
		t.Errorf("a redirect to itself: %+v", got)
	}
}
