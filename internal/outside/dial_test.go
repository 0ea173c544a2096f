package outside

import (
	"context"
	"errors"
	"net/netip"
	"testing"
)

// TestRefusals reads what is said of addresses that may not be reached.
func TestRefusals(t *testing.T) {
	tests := []struct {
		host string
		only bool
		ip   string
		want string
		why  error
	}{
		{"169.254.169.254", false, "169.254.169.254", "169.254.169.254 is an address inside the platform's network", ErrInner},
		{"::ffff:10.0.0.1", false, "10.0.0.1", "::ffff:10.0.0.1 is an address inside the platform's network", ErrInner},
		{"metadata.example", false, "169.254.169.254", "metadata.example is 169.254.169.254, an address inside the platform's network", ErrInner},
		{"8.8.8.8", true, "8.8.8.8", "8.8.8.8 is not one of the addresses that the server's settings allow for this", ErrOuter},
	}
	for _, tt := range tests {
		if err := refusal(tt.host, netip.MustParseAddr(tt.ip)); err.Error() != tt.want || !errors.Is(err, tt.why) {
			t.Errorf("%s: %q", tt.host, err)
		}
	}
	d := &Dialer{}
	if _, err := d.DialContext(context.Background(), "tcp", "169.254.169.254:80"); err == nil || err.Error() != tests[0].want {
		t.Errorf("dialled: %v", err)
	}
}
