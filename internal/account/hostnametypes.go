package account

import (
	"context"
	"time"
)

// HostName is a name of the customer's own, such as mqtt.example.com, that leads to an instance once its zone has a TXT
// record which only somebody who runs the zone can make. Several instances may want the same name; one at most has proven
// it. Primary key (Instance, Name); parent Instance.
type HostName struct {
	Instance  string
	Name      string // lower case, without a dot at the end
	Token     string // what the TXT record says; no secret
	CreatedAt time.Time
	ProvenAt  time.Time // since when the name leads to the instance; zero: it doesn't
	CheckedAt time.Time // last answer about the record; zero: never
	FailingAt time.Time // first of the answers in a row without the record; zero: the last one had it, or there was none
}

func (HostName) row() {}

// Proof is the name and the value of the TXT record.
func (h HostName) Proof() (name, value string) { return proofHead + h.Name, "tsunagi=" + h.Token }

// LapsesAt is when a proven name whose record is missing leads to the instance no more; zero: its record was there.
func (h HostName) LapsesAt() time.Time {
	if h.FailingAt.IsZero() {
		return time.Time{}
	}
	return h.FailingAt.Add(hostGrace)
}

// proofHead begins the name of the TXT record, so that it stands beside a CNAME record of the name itself.
const proofHead = "_tsunagi."

// Names looks up what the public DNS says. A name or a kind of record that doesn't exist is an empty answer, not an error.
type Names interface {
	TXT(ctx context.Context, name string) ([]string, error)
	// Addresses are the IP addresses of a name, as texts.
	Addresses(ctx context.Context, name string) ([]string, error)
}

// HostProof says what a look at the TXT record has found.
type HostProof string

// The answers.
const (
	ProofFound   HostProof = "found"
	ProofMissing HostProof = "missing"     // there is no TXT record at that name
	ProofOther   HostProof = "other"       // there are others
	ProofTaken   HostProof = "taken"       // it is there, and so is that of another instance, which has the name
	ProofUnknown HostProof = "unreachable" // the name servers didn't answer
)

// Pointing says where a name leads.
type Pointing string

// The answers.
const (
	PointsHere    Pointing = "here"
	PointsAway    Pointing = "elsewhere"
	PointsNowhere Pointing = "nowhere" // no address
	PointsUnknown Pointing = "unknown" // the name servers didn't answer
)

// HostNameCheck is one look at a name's records.
type HostNameCheck struct {
	HostName
	Record    HostProof
	Seen      []string // TXT records, cut, at most five
	Points    Pointing
	Addresses []string // of the name, at most ten
}
