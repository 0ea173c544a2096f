package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
)

// client talks to a running `tsunagi serve`.
type client struct {
	socket string
	http   http.Client
	nobody bool // the last call found no server
}

func newClient(socket string) *client {
	c := &client{socket: socket}
	c.http.Timeout = patience
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // nothing is asked for elsewhere
	c.http.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		addr, release, err := shortPath(socket)
		if err != nil {
			return nil, err
		}
		defer release()
		return (&net.Dialer{}).DialContext(ctx, "unix", addr)
	}}
	return c
}

// call asks and decodes the answer into out, which may be nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	body := io.Reader(http.NoBody)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return c.explain(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		var f fault
		if json.Unmarshal(raw, &f) == nil && f.Detail != "" {
			return errors.New(f.Detail)
		}
		return fmt.Errorf("the server answered %s: %s", answer.Status, strings.TrimSpace(string(raw)))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// explain says what to do where nobody answers.
func (c *client) explain(err error) error {
	switch {
	case nobodyListens(err):
		c.nobody = true
		return fmt.Errorf("nobody listens on %s: is `tsunagi serve` running, with this data directory? Name it with --data", c.socket)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may be opened only by the user that runs `tsunagi serve`: run this as that user", c.socket)
	}
	return err
}
