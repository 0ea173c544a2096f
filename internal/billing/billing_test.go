package billing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/store/sqlite"
	"tsunagi/internal/store/sqlitetest"
)

// stripe is a small Stripe: subscriptions, and faults on demand.
type stripe struct {
	*httptest.Server
	mu    sync.Mutex // guards what follows
	subs  map[string]map[string]any
	fail  []int             // statuses of the next answers; 0: none comes in time
	keys  map[string]string // idempotency keys: what was done
	calls []string
	forms []url.Values
	slow  map[string]chan struct{} // paths whose answers wait until this is closed
}

func newStripe(t *testing.T) *stripe {
	s := &stripe{subs: map[string]map[string]any{}, keys: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *stripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.mu.Lock()
	if wait := s.slow[r.URL.Path]; wait != nil {
		s.calls = append(s.calls, "slow "+r.URL.Path)
		s.mu.Unlock()
		<-wait
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	s.calls, s.forms = append(s.calls, r.Method+" "+r.URL.Path), append(s.forms, r.PostForm)
	if r.Header.Get("Authorization") != "Bearer sk_test_x" || r.Header.Get("Stripe-Version") != apiVersion || r.Method == "POST" && r.Header.Get("Idempotency-Key") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if len(s.fail) > 0 {
		status := s.fail[0]
		s.fail = s.fail[1:]
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"message":"no"}}`)
		return
	}
	id := strings.TrimPrefix(r.URL.Path, "/v1/subscriptions/")
	sub := s.subs[id]
	switch {
	case r.URL.Path == "/v1/checkout/sessions" || r.URL.Path == "/v1/billing_portal/sessions":
		s.keys[r.Header.Get("Idempotency-Key")] = r.URL.Path
		fmt.Fprintf(w, `{"url":"https://pay.example%s"}`, r.URL.Path)
		return
	case sub == nil:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"message":"No such subscription"}}`)
		return
	case r.Method == "DELETE":
		sub["status"] = "canceled"
	case r.Method == "POST":
		sub["items"] = items(r.PostForm.Get("items[0][price]"))
	}
	_ = json.NewEncoder(w).Encode(sub)
}

func items(price string) map[string]any {
	return map[string]any{"data": []any{map[string]any{"id": "si_1", "price": map[string]any{"id": price}}}}
}

// site is a manager over a real store with an instance.
type site struct {
	t        *testing.T
	stripe   *stripe
	accounts *account.Service
	m        *Manager
	now      time.Time
	by       account.Actor
	instance string
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Dir: sqlitetest.Dir(t), BallastBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := account.NewKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, stripe: newStripe(t), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), by: account.AdminActor()}
	s.accounts, err = account.NewService(t.Context(), account.Options{Store: store.Accounts, Keys: keys, HashMemory: 64,
		Plans:   []account.Plan{{ID: "free", Name: "Free", Default: true}, {ID: "pro", Name: "Pro", StripePrice: "price_pro"}, {ID: "max", Name: "Max", StripePrice: "price_max"}},
		Regions: []account.Region{{ID: "here", Name: "Here"}}})
	if err != nil {
		t.Fatal(err)
	}
	owner, _, err := s.accounts.CreateAccount(t.Context(), s.by, "owner@example.org", "", account.RoleOwner, "")
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := s.accounts.CreateInstance(t.Context(), s.by, account.NewInstance{Name: "home", Owner: owner.ID})
	if err != nil {
		t.Fatal(err)
	}
	s.instance = in.ID
	c := NewClient(s.stripe.URL, "sk_test_x")
	c.pause = time.Millisecond
	s.m = New(Options{Accounts: s.accounts, Client: c, Secret: "whsec_x", Grace: 24 * time.Hour, Panel: "https://panel.example", Now: func() time.Time { return s.now }})
	return s
}

// subscribe puts a subscription of the instance at Stripe into a state.
func (s *site) subscribe(id, status, price string, created int) {
	s.stripe.mu.Lock()
	defer s.stripe.mu.Unlock()
	s.stripe.subs[id] = map[string]any{"id": id, "status": status, "customer": "cus_1", "created": created, "items": items(price),
		"metadata": map[string]string{"tsunagi_instance": s.instance, "tsunagi": s.accounts.Installation()}}
}

// event sends one, signed at a time, and returns the status of the answer.
func (s *site) event(body string, at time.Time, secret string) int {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	r := httptest.NewRequest("POST", "/api/stripe/webhook", strings.NewReader(body))
	r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s,v0=00", at.Unix(), hex.EncodeToString(mac.Sum(nil))))
	w := httptest.NewRecorder()
	s.m.ServeHTTP(w, r)
	return w.Code
}

func (s *site) tell(id string) {
	s.t.Helper()
	if code := s.event(`{"id":"evt_1","type":"customer.subscription.updated","data":{"object":{"object":"subscription","id":"`+id+`","status":"whatever"}}}`, s.now, "whsec_x"); code != 204 {
		s.t.Errorf("event: %d", code)
	}
}

func (s *site) want(plan, status string) {
	s.t.Helper()
	in, sub, err := s.accounts.Subscription(context.Background(), s.by, s.instance)
	if err != nil || in.Plan != plan || sub.Status != status {
		s.t.Errorf("plan %s, subscription %+v, %v; want %s, %s", in.Plan, sub, err, plan, status)
	}
}

func TestPaidPlans(t *testing.T) {
	s := newSite(t)
	if _, err := s.m.Checkout(t.Context(), s.by, s.instance, "free"); err == nil {
		t.Error("a plan that isn't paid can be paid")
	}
	address, err := s.m.Checkout(t.Context(), s.by, s.instance, "pro")
	if err != nil || address != "https://pay.example/v1/checkout/sessions" {
		t.Fatalf("checkout: %q, %v", address, err)
	}
	if f := s.stripe.forms[0]; f.Get("mode") != "subscription" || f.Get("line_items[0][price]") != "price_pro" || f.Get("subscription_data[metadata][tsunagi_instance]") != s.instance {
		t.Errorf("form %v", f)
	}
	s.want("free", "") // nothing is given before it is paid
	s.subscribe("sub_1", "incomplete", "price_pro", 1)
	s.tell("sub_1")
	s.want("free", "")
	s.subscribe("sub_1", "active", "price_pro", 1)
	for range 3 { // events come more than once
		s.tell("sub_1")
	}
	s.want("pro", "active")
	if address, err := s.m.Checkout(t.Context(), s.by, s.instance, "max"); err != nil || address != "" {
		t.Errorf("another plan: %q, %v", address, err)
	}
	s.want("max", "active")
	if address, err := s.m.Portal(t.Context(), s.by, s.instance); err != nil || address == "" {
		t.Errorf("portal: %q, %v", address, err)
	}

	s.subscribe("sub_1", "past_due", "price_max", 1)
	s.tell("sub_1")
	s.want("max", "past_due")
	s.now = s.now.Add(23 * time.Hour)
	s.tell("sub_1")
	s.want("max", "past_due")
	s.now = s.now.Add(2 * time.Hour)
	if err := s.m.Round(t.Context()); err != nil { // no event says that the grace is over
		t.Fatal(err)
	}
	s.want("free", "past_due")
	s.subscribe("sub_1", "active", "price_max", 1)
	s.tell("sub_1")
	s.want("max", "active")
	s.subscribe("sub_1", "canceled", "price_max", 1)
	s.tell("sub_1")
	s.want("free", "ended")
}

// TestOutOfOrder: what counts is the state at Stripe when an event comes, not what the event says or when it was made.
func TestOutOfOrder(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "canceled", "price_pro", 1)
	s.tell("sub_1") // "created", long after the end
	s.want("free", "")
	s.subscribe("sub_2", "active", "price_pro", 2)
	s.tell("sub_2")
	s.tell("sub_1")
	s.want("pro", "active")
	s.subscribe("sub_0", "active", "price_max", 1) // paid twice: the younger one holds, the other is canceled
	s.tell("sub_0")
	s.want("pro", "active")
	if err := s.m.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.stripe.subs["sub_0"]["status"] != "canceled" || s.stripe.subs["sub_2"]["status"] != "active" {
		t.Errorf("%v", s.stripe.subs)
	}
}

func TestSignature(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "active", "price_pro", 1)
	body := `{"id":"evt_1","type":"x","data":{"object":{"object":"subscription","id":"sub_1"}}}`
	for name, code := range map[string]int{
		"another secret": s.event(body, s.now, "whsec_y"), "an old one, replayed": s.event(body, s.now.Add(-6*time.Minute), "whsec_x"),
		"from the future": s.event(body, s.now.Add(6*time.Minute), "whsec_x"),
	} {
		if code != 400 {
			t.Errorf("%s: %d", name, code)
		}
	}
	for _, header := range []string{"", "t=", "t=x,v1=00", fmt.Sprintf("t=%d", s.now.Unix()), fmt.Sprintf("t=%d,v1=", s.now.Unix())} {
		if verify(header, []byte(body), "whsec_x", s.now) == nil {
			t.Errorf("%q is taken", header)
		}
	}
	s.want("free", "")
	if len(s.stripe.calls) > 0 {
		t.Errorf("calls %v", s.stripe.calls)
	}
	if code := s.event(`{"id":"evt_2","type":"customer.created","data":{"object":{"object":"customer","id":"cus_1"}}}`, s.now, "whsec_x"); code != 204 {
		t.Errorf("an event of no subscription: %d", code)
	}
	if code := s.event(`nonsense`, s.now, "whsec_x"); code != 400 {
		t.Errorf("nonsense: %d", code)
	}
}

// TestFaults: what Stripe fails to answer is tried again, as the same call; what goes on failing has Stripe send the event
// again; nothing is lost and nothing done twice.
func TestFaults(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "active", "price_pro", 1)
	body := `{"id":"evt_1","type":"invoice.paid","data":{"object":{"object":"invoice","id":"in_1","subscription":"sub_1"}}}`
	s.stripe.fail = []int{500, 502, 503}
	if code := s.event(body, s.now, "whsec_x"); code != 503 {
		t.Errorf("while Stripe is down: %d", code)
	}
	s.want("free", "")
	s.stripe.fail = []int{0, 429}
	if code := s.event(body, s.now, "whsec_x"); code != 204 {
		t.Errorf("the event again: %d", code)
	}
	s.want("pro", "active")

	s.stripe.fail = []int{500, 0}
	if _, err := s.m.Portal(t.Context(), s.by, s.instance); err != nil {
		t.Errorf("portal after two faults: %v", err)
	}
	if len(s.stripe.keys) != 1 {
		t.Errorf("done %v, want once", s.stripe.keys)
	}
	s.stripe.fail = []int{402}
	_, err := s.m.Portal(t.Context(), s.by, s.instance)
	if err == nil || strings.Contains(err.Error(), "sk_test") {
		t.Errorf("refused: %v", err)
	}

	if err := s.accounts.DeleteInstance(t.Context(), s.by, s.instance); err != nil { // nobody pays for what is gone
		t.Fatal(err)
	}
	s.stripe.fail = []int{500, 500, 500}
	if err := s.m.Round(t.Context()); err == nil {
		t.Error("no error while Stripe is down")
	}
	if err := s.m.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.stripe.subs["sub_1"]["status"] != "canceled" {
		t.Errorf("%v", s.stripe.subs)
	}
	if list, err := s.accounts.Ending(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("still to be canceled: %v, %v", list, err)
	}
	s.subscribe("sub_3", "active", "price_pro", 3) // paid while the instance was being deleted
	s.tell("sub_3")
	if s.stripe.subs["sub_3"]["status"] != "canceled" {
		t.Errorf("%v", s.stripe.subs)
	}
}

// TestOthersSubscriptions: what this installation didn't make is left alone.
func TestOthersSubscriptions(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "active", "price_pro", 1)
	s.stripe.subs["sub_1"]["metadata"] = map[string]string{"tsunagi_instance": s.instance, "tsunagi": "another"}
	s.tell("sub_1")
	s.tell("sub_nobody")
	s.want("free", "")
}

// TestLeaving a paid plan for one that costs nothing ends the subscription.
func TestLeaving(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "active", "price_pro", 1)
	s.tell("sub_1")
	if _, err := s.accounts.ChangePlan(t.Context(), s.by, s.instance, "free"); err != nil {
		t.Fatal(err)
	}
	if err := s.m.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.tell("sub_1")
	if s.stripe.subs["sub_1"]["status"] != "canceled" {
		t.Errorf("%v", s.stripe.subs)
	}
	s.want("free", "")
}

// TestSlowAnswerHoldsUpItsOwnSubscriptionAlone has Stripe answer late about one subscription.
func TestSlowAnswerHoldsUpItsOwnSubscriptionAlone(t *testing.T) {
	s := newSite(t)
	s.subscribe("sub_1", "active", "price_pro", 1)
	s.subscribe("sub_2", "active", "price_max", 2)
	s.stripe.mu.Lock()
	answer := make(chan struct{})
	s.stripe.slow = map[string]chan struct{}{"/v1/subscriptions/sub_1": answer}
	s.stripe.mu.Unlock()
	late := make(chan error, 1)
	go func() { late <- s.m.follow(t.Context(), "sub_1") }()
	asked := func() bool {
		s.stripe.mu.Lock()
		defer s.stripe.mu.Unlock()
		return slices.Contains(s.stripe.calls, "slow /v1/subscriptions/sub_1")
	}
	for end := time.Now().Add(30 * time.Second); !asked(); {
		if time.Now().After(end) {
			t.Fatal("Stripe isn't asked")
		}
		runtime.Gosched()
	}
	s.tell("sub_2") // would wait for ever
	s.want("max", "active")
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.m.follow(impatient, "sub_1"); err == nil {
		t.Error("two are at one subscription at once")
	}
	close(answer)
	if err := <-late; err != nil {
		t.Error(err)
	}
	s.want("max", "active") // the younger one
	if len(s.m.turns.keys) != 0 {
		t.Errorf("kept: %v", s.m.turns.keys)
	}
}
