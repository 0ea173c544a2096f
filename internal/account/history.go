package account

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"tsunagi/internal/topic"
)

// HistoryUser is the MQTT user name under which the history listens to its instance. Nobody logs in with it.
const HistoryUser = "history-client"

// HistoryFilter is a choice of topics whose messages are kept.
type HistoryFilter struct {
	Filter string `json:"filter"`
	Bytes  int64  `json:"bytes"` // at most; the oldest go first
	Days   int    `json:"days"`  // at most; 0: no bound
}

// Bounds of a history.
const (
	maxHistoryFilters = 20
	leastHistoryBytes = 10_000
	maxHistoryDays    = 3650
)

// historySetting and an instance's id is the key of its choices, as JSON.
const historySetting = "history."

// History is what an instance keeps of its messages.
func (s *Service) History(ctx context.Context, by Actor, instance string) (list []HistoryFilter, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		list, err = historyOf(r, instance)
		return err
	})
	return list, err
}

func historyOf(r Reader, instance string) (list []HistoryFilter, err error) {
	row, err := r.Setting(historySetting + instance)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(row.Value, &list)
	}
	return list, err
}

// HistoryRow is what the version of an instance's choices is made of, see Version.
func HistoryRow(instance string, list []HistoryFilter) (Row, error) {
	if len(list) == 0 {
		list = nil // never chosen, or all taken back: the same
	}
	value, err := json.Marshal(list)
	return Setting{Key: historySetting + instance, Value: value}, err
}

// Histories are the choices of all instances that have some; rests are those that may keep nothing new, as their account is
// suspended.
func (s *Service) Histories(ctx context.Context) (all map[string][]HistoryFilter, rests map[string]bool, err error) {
	all, rests = map[string][]HistoryFilter{}, map[string]bool{}
	err = s.o.Store.View(ctx, func(r Reader) error {
		instances, err := r.Instances("")
		if err != nil {
			return err
		}
		for _, in := range instances {
			list, err := historyOf(r, in.ID)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				continue
			}
			all[in.ID] = list
			if rests[in.ID], err = Suspended(r, in.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return all, rests, err
}

// SetHistory changes what an instance keeps, within the bound of its plan. What no choice keeps any more is deleted.
func (s *Service) SetHistory(ctx context.Context, by Actor, instance string, list []HistoryFilter) error {
	return s.EditHistory(ctx, by, instance, func([]HistoryFilter) ([]HistoryFilter, error) { return list, nil })
}

// EditHistory is SetHistory with what edit makes of the choices that there are; nobody else changes them meanwhile. edit
// may be called more than once.
func (s *Service) EditHistory(ctx context.Context, by Actor, instance string, edit func([]HistoryFilter) ([]HistoryFilter, error)) error {
	return s.change(ctx, func(tx Tx) (Change, error) {
		in, err := instanceOf(tx, by, instance)
		if err != nil {
			return Change{}, err
		}
		list, err := historyOf(tx, instance)
		if err != nil {
			return Change{}, err
		}
		if list, err = edit(list); err != nil {
			return Change{}, err
		}
		if err := checkHistory(s.Plan(in.Plan), list); err != nil {
			return Change{}, err
		}
		before, err := historyOf(tx, instance)
		if err != nil {
			return Change{}, err
		}
		was, err := HistoryRow(instance, before)
		if err != nil {
			return Change{}, err
		}
		if err := s.fresh(ctx, was); err != nil {
			return Change{}, err
		}
		value, err := json.Marshal(list)
		if err != nil {
			return Change{}, err
		}
		row := Setting{Key: historySetting + instance, Value: value}
		if _, err = tx.Setting(row.Key); errors.Is(err, ErrNotFound) {
			err = tx.Insert(row)
		} else if err == nil {
			err = tx.Save(row)
		}
		if err != nil {
			return Change{}, err
		}
		var words []string
		for _, f := range list {
			words = append(words, f.Filter)
		}
		return Change{Instance: instance, History: true}, s.audit(tx, by, "history.change", instance, strings.Join(words, " "))
	})
}

func checkHistory(plan Plan, list []HistoryFilter) error {
	if len(list) > maxHistoryFilters {
		return invalid("filters", "api.history.filters", "limit", maxHistoryFilters)
	}
	sum, seen := int64(0), map[string]bool{}
	for _, f := range list {
		parsed, err := topic.ParseFilter(f.Filter)
		if err != nil || parsed.Share != "" || strings.HasPrefix(f.Filter, "$") || len(f.Filter) > 1024 || seen[f.Filter] {
			return invalid("filters", "api.history.filter")
		}
		seen[f.Filter] = true
		if f.Bytes < leastHistoryBytes || f.Bytes > 1<<44 || f.Days < 0 || f.Days > maxHistoryDays {
			return invalid("filters", "api.history.bounds", "bytes", leastHistoryBytes, "days", maxHistoryDays)
		}
		sum += f.Bytes
	}
	if plan.HistoryBytes > 0 && sum > int64(plan.HistoryBytes) {
		return fail(Limit, "api.history.limit", "limit", plan.HistoryBytes, "plan", plan.Name)
	}
	return nil
}
