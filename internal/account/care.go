package account

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"tsunagi/internal/topic"
)

// RetainExpiry gives retained messages of some topics a time, where their publishers give them none.
type RetainExpiry struct {
	Filter  string `json:"filter"`
	Seconds uint32 `json:"seconds"`
}

// Bounds of the times of retained messages.
const (
	maxRetainExpiries = 20
	maxRetainSeconds  = 10 * 365 * 24 * 3600
)

// retainSetting and an instance's id is the key of its times, as JSON.
const retainSetting = "retain_expiry."

// settingsOf are the rows of an instance that have no table of their own, to be deleted with it.
func settingsOf(instance string) []Row {
	return []Row{Setting{Key: instanceKeySetting + instance}, Setting{Key: historySetting + instance}, Setting{Key: retainSetting + instance}, Setting{Key: clientIDSetting + instance}}
}

// RetainExpiries are the times of an instance's retained messages.
func (s *Service) RetainExpiries(ctx context.Context, by Actor, instance string) (list []RetainExpiry, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = RetainExpiriesOf(r, instance)
		return err
	})
	return list, err
}

// RetainExpiriesOf reads the times of an instance's retained messages.
func RetainExpiriesOf(r Reader, instance string) (list []RetainExpiry, err error) {
	row, err := r.Setting(retainSetting + instance)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(row.Value, &list)
	}
	return list, err
}

// RetainRow is what the version of an instance's times is made of, see Version.
func RetainRow(instance string, list []RetainExpiry) (Row, error) {
	if len(list) == 0 {
		list = nil // never chosen, or all taken back: the same
	}
	value, err := json.Marshal(list)
	return Setting{Key: retainSetting + instance, Value: value}, err
}

// SetRetainExpiries changes the times. They hold for what is retained from then on.
func (s *Service) SetRetainExpiries(ctx context.Context, by Actor, instance string, list []RetainExpiry) error {
	if err := checkRetainExpiries(list); err != nil {
		return err
	}
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		before, err := RetainExpiriesOf(tx, instance)
		if err != nil {
			return Change{}, err
		}
		was, err := RetainRow(instance, before)
		if err != nil {
			return Change{}, err
		}
		if err := s.fresh(ctx, was); err != nil {
			return Change{}, err
		}
		row, err := RetainRow(instance, list)
		if err != nil {
			return Change{}, err
		}
		if err := tx.Delete(row); err != nil {
			return Change{}, err
		}
		if len(list) > 0 {
			if err := tx.Insert(row); err != nil {
				return Change{}, err
			}
		}
		var words []string
		for _, one := range list {
			words = append(words, one.Filter)
		}
		return Change{Instance: instance, Retain: true}, s.audit(tx, by, "retained.expiry", instance, strings.Join(words, " "))
	})
}

func checkRetainExpiries(list []RetainExpiry) error {
	if len(list) > maxRetainExpiries {
		return invalid("filters", "api.retain.many", "limit", maxRetainExpiries)
	}
	seen := map[string]bool{}
	for _, one := range list {
		f, err := topic.ParseFilter(one.Filter)
		if err != nil || f.Share != "" || len(one.Filter) > 1024 || !plainText(one.Filter) || seen[one.Filter] {
			return invalid("filters", "api.retain.filter")
		}
		seen[one.Filter] = true
		if one.Seconds == 0 || one.Seconds > maxRetainSeconds {
			return invalid("filters", "api.retain.seconds", "limit", maxRetainSeconds)
		}
	}
	return nil
}
