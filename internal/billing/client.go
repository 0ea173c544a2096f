package billing

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// apiVersion is the form of Stripe's answers that this code reads.
const apiVersion = "2024-06-20"

// Bounds of one call.
const (
	callTime  = 20 * time.Second // of one attempt
	attempts  = 3
	maxAnswer = 1 << 20 // bytes
)

// Fault is what Stripe refuses, in its own words.
type Fault struct {
	Status  int
	Message string
}

func (f *Fault) Error() string { return fmt.Sprintf("Stripe answered %d: %s", f.Status, f.Message) }

// Client makes the few calls of Stripe's API that are needed.
type Client struct {
	base, key string
	http      *http.Client
	pause     time.Duration // before the second attempt; twice as long before the third
}

// NewClient calls Stripe with a secret key.
func NewClient(base, key string) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), key: key, http: &http.Client{Timeout: callTime}, pause: time.Second}
}

// call posts a form, or gets or deletes where there is none, and reads the answer into out. A call that got no answer, or
// one that says to try again, is made again with the same idempotency key: Stripe does it once.
func (c *Client) call(ctx context.Context, method, path string, form url.Values, out any) (err error) {
	once, pause := rand.Text(), c.pause
	for n := 1; ; n++ {
		again := false
		if again, err = c.attempt(ctx, method, path, once, form, out); err == nil || !again || n == attempts {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 2
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// attempt makes a call once; again says whether another attempt may succeed.
func (c *Client) attempt(ctx context.Context, method, path, once string, form url.Values, out any) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("Stripe-Version", apiVersion)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", once)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return ctx.Err() == nil, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return ctx.Err() == nil, err
	}
	if answer.StatusCode >= 300 {
		var refused struct{ Error struct{ Message string } }
		_ = json.Unmarshal(raw, &refused) // a proxy's page instead: the status has to do
		again = answer.StatusCode == http.StatusConflict || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500
		return again, &Fault{answer.StatusCode, refused.Error.Message}
	}
	return false, json.Unmarshal(raw, out)
}

// subscription is what is read of Stripe's.
type subscription struct {
	ID       string
	Status   string
	Customer string
	Created  int64
	Metadata map[string]string
	Items    struct {
		Data []struct {
			ID    string
			Price struct{ ID string }
		}
	}
}

// state asks how a subscription is now.
func (c *Client) state(ctx context.Context, id string) (s subscription, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/subscriptions/"+url.PathEscape(id), nil, &s)
	return s, err
}

// cancel ends a subscription at once. One that is over, or was never there, is no fault.
func (c *Client) cancel(ctx context.Context, id string) error {
	var s subscription
	err := c.call(ctx, http.MethodDelete, "/v1/subscriptions/"+url.PathEscape(id), nil, &s)
	if f, ok := errors.AsType[*Fault](err); ok && (f.Status == http.StatusNotFound || f.Status == http.StatusBadRequest) {
		return nil
	}
	return err
}

// change puts a subscription on another price.
func (c *Client) change(ctx context.Context, s subscription, price, plan string) (out subscription, err error) {
	if len(s.Items.Data) == 0 {
		return out, errors.New("the subscription has no item")
	}
	form := url.Values{"items[0][id]": {s.Items.Data[0].ID}, "items[0][price]": {price}, "metadata[plan]": {plan}, "proration_behavior": {"create_prorations"}}
	err = c.call(ctx, http.MethodPost, "/v1/subscriptions/"+url.PathEscape(s.ID), form, &out)
	return out, err
}

// page makes one of Stripe's own pages and answers its address.
func (c *Client) page(ctx context.Context, path string, form url.Values) (string, error) {
	var made struct{ URL string }
	if err := c.call(ctx, http.MethodPost, path, form, &made); err != nil {
		return "", err
	}
	return made.URL, nil
}
