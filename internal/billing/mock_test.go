package billing

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// stripeMock starts Stripe's own stand-in, which judges requests by Stripe's OpenAPI document. It is built from the module
// cache; where it isn't there (`go mod download` in tools/stripe-mock brings it), the test is left out.
func stripeMock(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program")
	}
	program := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.Command("go", "build", "-C", "../../tools/stripe-mock", "-o", program, "github.com/stripe/stripe-mock")
	build.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("stripe-mock isn't at hand: %v %.200s", err, out)
	}
	run := exec.Command(program, "-http-addr", "127.0.0.1:0")
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr = run.Stdout
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	listens := regexp.MustCompile(`127\.0\.0\.1:[1-9]\d*`)
	for lines.Scan() {
		if at := listens.FindString(lines.Text()); at != "" {
			go func() { // ends with the program
				for lines.Scan() {
				}
			}()
			return "http://" + at
		}
	}
	t.Fatal("stripe-mock says no address")
	return ""
}

// TestStripeMock has Stripe's stand-in judge every call that is made.
func TestStripeMock(t *testing.T) {
	c := NewClient(stripeMock(t), "sk_test_123")
	ctx := t.Context()
	form := url.Values{"mode": {"subscription"}, "line_items[0][price]": {"price_x"}, "line_items[0][quantity]": {"1"}, "client_reference_id": {"abcdefgh"},
		"subscription_data[metadata][tsunagi_instance]": {"abcdefgh"}, "subscription_data[metadata][tsunagi]": {"x"}, "customer_email": {"a@example.org"},
		"success_url": {"https://panel.example/x?paid=1"}, "cancel_url": {"https://panel.example/x"}}
	if _, err := c.page(ctx, "/v1/checkout/sessions", form); err != nil {
		t.Errorf("checkout: %v", err)
	}
	if address, err := c.page(ctx, "/v1/billing_portal/sessions", url.Values{"customer": {"cus_1"}, "return_url": {"https://panel.example"}}); err != nil || !strings.HasPrefix(address, "https://") {
		t.Errorf("portal: %q, %v", address, err)
	}
	s, err := c.state(ctx, "sub_1")
	if err != nil || s.ID == "" || s.Status == "" || s.Customer == "" || s.Created == 0 || len(s.Items.Data) == 0 || s.Items.Data[0].ID == "" || s.Items.Data[0].Price.ID == "" {
		t.Errorf("state: %+v, %v", s, err)
	}
	if _, err := c.change(ctx, s, "price_y", "max"); err != nil {
		t.Errorf("change: %v", err)
	}
	if err := c.cancel(ctx, s.ID); err != nil {
		t.Errorf("cancel: %v", err)
	}
	if _, err := c.page(ctx, "/v1/checkout/sessions", url.Values{"mode": {"nonsense"}}); err == nil {
		t.Error("it judges nothing")
	}
}
