package dns01

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

// webhook asks an HTTP service of the operator's: POST /present and /cleanup with fqdn and value in JSON.
type webhook struct{ api }

type webhookBody struct {
	FQDN  string `json:"fqdn"`
	Value string `json:"value"`
}

func (w webhook) set(ctx context.Context, name, value string) error {
	return w.call(ctx, http.MethodPost, "/present", webhookBody{name + ".", value}, nil)
}

func (w webhook) remove(ctx context.Context, name, value string) error {
	return w.call(ctx, http.MethodPost, "/cleanup", webhookBody{name + ".", value}, nil)
}

func basic(user, password string) string {
	if user == "" && password == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// program is a program of the operator's, called with present or cleanup, the name with a final dot, and the value.
type program string

// programTime is how long it may take.
const programTime = 2 * time.Minute

func (p program) set(ctx context.Context, name, value string) error {
	return p.run(ctx, "present", name, value)
}

func (p program) remove(ctx context.Context, name, value string) error {
	return p.run(ctx, "cleanup", name, value)
}

func (p program) run(ctx context.Context, word, name, value string) error {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	c := exec.CommandContext(ctx, string(p), word, name+".", value)
	said := &head{}
	c.Stdout, c.Stderr, c.WaitDelay = said, said, time.Second
	if err := c.Run(); err != nil {
		return fmt.Errorf("dns.command %s %s: %w %s", p, word, err, strings.ToValidUTF8(strings.TrimSpace(string(said.kept)), ""))
	}
	return nil
}

// head keeps the first bytes of an output.
type head struct{ kept []byte }

func (h *head) Write(b []byte) (int, error) {
	h.kept = append(h.kept, b[:min(len(b), quoteMax-len(h.kept))]...)
	return len(b), nil
}
