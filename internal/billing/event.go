package billing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// tolerance is how old a signature may be, and how far in the future.
const tolerance = 5 * time.Minute

// errSignature says that an event isn't signed by Stripe, or was signed too long ago.
var errSignature = errors.New("the signature is wrong or too old")

// verify judges the header Stripe-Signature: t=SECONDS,v1=HEX,… with HMAC-SHA-256 over "t.body".
func verify(header string, body []byte, secret string, now time.Time) error {
	var at string
	var sums [][]byte
	for _, part := range strings.Split(header, ",") {
		switch k, v, _ := strings.Cut(strings.TrimSpace(part), "="); k {
		case "t":
			at = v
		case "v1":
			if sum, err := hex.DecodeString(v); err == nil {
				sums = append(sums, sum)
			}
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return errSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errSignature
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(at + "."))
	m.Write(body)
	want := m.Sum(nil)
	for _, sum := range sums {
		if hmac.Equal(sum, want) {
			return nil
		}
	}
	return errSignature
}

// event is what is read of Stripe's. What it says of a subscription's state isn't looked at: events come late, twice and
// out of order.
type event struct {
	ID   string
	Type string
	Data struct {
		Object struct {
			ID           string
			Object       string
			Subscription string
			Parent       struct {
				Details struct{ Subscription string } `json:"subscription_details"`
			}
		}
	}
}

// about is the subscription that an event is about; "" for none.
func about(body []byte) (id, kind string, err error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return "", "", err
	}
	o := e.Data.Object
	switch {
	case o.Object == "subscription":
		id = o.ID
	case o.Subscription != "":
		id = o.Subscription
	default:
		id = o.Parent.Details.Subscription
	}
	return id, e.Type, nil
}
