package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// Cost of argon2id for passwords that people choose: 19 MiB, two passes, one lane.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonLanes   = 1
	argonKey     = 32
	argonSalt    = 16
	argonMaxKiB  = 256 * 1024 // refuse to verify hashes that would take more: a row isn't a bomb
	argonMaxPass = 16
)

// ErrBusy says that the queue for password checks is full; trying again later may work.
var ErrBusy = fail(RateLimited, "api.busy")

// hasher computes argon2id in a bounded number of places with a bounded queue, so that a storm of wrong passwords
// takes neither all processors nor all memory.
type hasher struct {
	places  chan struct{}
	waiting atomic.Int64
	queue   int64
	done    atomic.Int64 // computed since the start
	memory  uint32       // KiB of one hash
	dummy   string       // hash of a password that nobody knows
}

func newHasher(places, queue, memory int) *hasher {
	h := &hasher{places: make(chan struct{}, places), queue: int64(queue), memory: uint32(memory)}
	var salt [argonSalt]byte
	var key [argonKey]byte
	rand.Read(salt[:])
	rand.Read(key[:])
	h.dummy = phcOf(h.memory, salt[:], key[:])
	return h
}

// do runs f in a place. It returns ErrBusy when the queue is full, or ctx's error.
func (h *hasher) do(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > h.queue+int64(cap(h.places)) {
		h.waiting.Add(-1)
		return ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.places }()
	f()
	h.done.Add(1)
	return nil
}

// hash makes the PHC form of a password.
func (h *hasher) hash(ctx context.Context, password string) (phc string, err error) {
	err = h.do(ctx, func() { phc = encodeArgon(h.memory, password) })
	return phc, err
}

// verify says whether password is the one behind phc. An empty phc costs the same and says no: it is for names that
// don't exist.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok bool, err error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	var bad error
	err = h.do(ctx, func() { ok, bad = verifyArgon(phc, password) })
	if err == nil {
		err = bad
	}
	return ok && known && err == nil, err
}

func encodeArgon(memory uint32, password string) string {
	var salt [argonSalt]byte
	rand.Read(salt[:])
	return phcOf(memory, salt[:], argon2.IDKey([]byte(password), salt[:], argonPasses, memory, argonLanes, argonKey))
}

// phcOf writes a hash in its PHC form.
func phcOf(memory uint32, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, argonPasses, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

func verifyArgon(phc, password string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("stored password hash isn't argon2id")
	}
	var version, memory, passes, lanes int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("stored password hash has version %q", parts[2])
	}
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes)
	if err != nil || memory < 8 || memory > argonMaxKiB || passes < 1 || passes > argonMaxPass || lanes < 1 || lanes > 16 {
		return false, fmt.Errorf("stored password hash has parameters %q", parts[3])
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 64 {
		return false, fmt.Errorf("stored password hash is damaged")
	}
	got := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
