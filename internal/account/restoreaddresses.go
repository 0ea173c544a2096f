package account

// judgeGuard plans what holds for addresses that no rule names.
func (w *restoring) judgeGuard(r Reader) error {
	g := w.from.Guard
	if g == nil {
		return nil
	}
	have, err := r.Guard(w.in.ID)
	return settle(w, have, err, DefaultGuard(w.in.ID), GuardChange{&g.Others, &g.Ban, &g.BanTries, &g.BanWindow, &g.BanLength, &g.ConnectRate}.apply)
}

// judgeAddresses plans from where clients may come.
func (w *restoring) judgeAddresses() error {
	var have []AddressRule
	return entries(w, SourceInstance, w.from.Addresses, func(i int, p PortableAddressRule) error {
		a := AddressRule{Instance: w.in.ID, ID: newID(), CreatedAt: w.at(i)}
		if err := a.apply(NewAddressRule(p)); err != nil {
			return err
		}
		if i >= maxAddressRules {
			return fail(Limit, "api.address.limit", "limit", maxAddressRules)
		}
		return oneOf(have, a, func(...Row) error {
			have, w.rows = append(have, a), append(w.rows, a)
			w.Addresses++
			return nil
		})
	})
}
