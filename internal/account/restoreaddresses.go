package account

import (
	"errors"
	"time"

	"tsunagi/internal/roster"
)

// judgeAddresses plans from where clients may come.
func (w *restoring) judgeAddresses(r Reader) error {
	if g := w.from.Guard; g != nil {
		have, err := r.Guard(w.in.ID)
		fresh := errors.Is(err, ErrNotFound)
		if fresh {
			have = DefaultGuard(w.in.ID)
		} else if err != nil {
			return err
		}
		changed, err := GuardChange{&g.Others, &g.Ban, &g.BanTries, &g.BanWindow, &g.BanLength, &g.ConnectRate}.apply(have)
		switch {
		case err != nil:
			if err = w.fault(SourceInstance, 0, err); err != nil {
				return err
			}
		case fresh && changed != have:
			w.rows = append(w.rows, changed)
		case changed != have:
			w.guard = &changed
		}
	}
	var have []AddressRule
	for i, p := range w.from.Addresses {
		a := AddressRule{Instance: w.in.ID, ID: newID(), CreatedAt: w.s.now().Add(time.Duration(i) * time.Microsecond)}
		err := a.apply(NewAddressRule(p))
		if err == nil && i >= maxAddressRules {
			err = fail(Limit, "api.address.limit", "limit", maxAddressRules)
		}
		if err == nil {
			err = oneOf(have, a, func(...Row) error { return nil })
		}
		if err != nil {
			w.Faults.Add(roster.Place{Source: SourceInstance, Line: i + 1}, keyOf(err), argsOf(err)...)
			continue
		}
		have, w.rows = append(have, a), append(w.rows, a)
		w.Addresses++
	}
	return nil
}
