package account

import "errors"

// oneRow is a row of which an instance has one at the most, and a preset until then.
type oneRow interface {
	Row
	comparable
}

// orPreset is what a read of the one row of an instance gave, or preset where there is none, which is fresh then.
func orPreset[R oneRow](have R, err error, preset R) (row R, fresh bool, _ error) {
	if errors.Is(err, ErrNotFound) {
		return preset, true, nil
	}
	return have, false, err
}

// writeOne inserts a row that is fresh, and saves one that was there.
func writeOne(tx Tx, fresh bool, row Row) error {
	if fresh {
		return tx.Insert(row)
	}
	return tx.Save(row)
}
