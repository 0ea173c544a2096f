package flow

import "fmt"

// keptBytes is the default of Options.KeptBytes.
const keptBytes = 256 << 20

// Keep notes that the node holds n more bytes of messages until it gives them back with
// Release: in a queue, or until a sequence is complete. All nodes together may hold
// Options.KeptBytes; beyond, Keep notes nothing and returns an error with the code
// KEPT_BYTES, which is the one to give to Done.
func (b *Base) Keep(n int) error {
	if b.rt.kept+n > b.rt.o.KeptBytes {
		return &Error{Code: "KEPT_BYTES", Message: fmt.Sprintf(
			"the messages that wait in nodes would take more than %d MiB: send fewer or smaller ones at a time, or raise the limit", b.rt.o.KeptBytes>>20)}
	}
	b.kept += n
	b.rt.kept += n
	return nil
}

// Release gives bytes back that Keep noted. What a node still holds when it is closed is
// given back by itself.
func (b *Base) Release(n int) {
	n = min(n, b.kept)
	b.kept -= n
	b.rt.kept -= n
}

// Kept is how many bytes of messages the node holds.
func (b *Base) Kept() int { return b.kept }
