package app

import (
	"context"
	"errors"
	"sync"

	"tsunagi/internal/account"
)

// mirror keeps what runs for instances like the rows that the store has of it, bridges or hooks.
type mirror[R any] struct {
	*cloud
	name string                                               // of the part
	rows func(r account.Reader, instance string) ([]R, error) // of an instance, or of all ("")
	head func(row *R) (instance string, enabled *bool)        // of a row
	set  func(instance string, rows []R) error                // makes an instance's what rows say; those that aren't enabled wait
	stop func(ctx context.Context) error                      // ends all
	lost func(instance string, err error)                     // tells that a change can't be followed

	mu      sync.Mutex // one reading at a time, so that an older one never comes last
	started bool       // guarded by mu
}

// part starts what runs after the brokers and stops it before.
func (m *mirror[R]) part() part {
	return part{m.name, func(ctx context.Context) error {
		m.mu.Lock()
		m.started = true
		m.mu.Unlock()
		return m.read(ctx, "")
	}, m.stop}
}

// follow reads an instance again; it doesn't wait.
func (m *mirror[R]) follow(instance string) {
	go func() { // ends when it has read once
		ctx, cancel := context.WithTimeout(context.Background(), stopTime)
		defer cancel()
		if err := m.read(ctx, instance); err != nil {
			m.lost(instance, err)
		}
	}()
}

// read makes what runs for an instance, or for all (""), what the store says.
func (m *mirror[R]) read(ctx context.Context, instance string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.started {
		return nil
	}
	var rows []R
	err := m.kept.View(ctx, func(r account.Reader) (err error) {
		if rows, err = m.rows(r, instance); err != nil {
			return err
		}
		for i := range rows { // those of suspended accounts wait
			of, enabled := m.head(&rows[i])
			suspended, err := account.Suspended(r, of)
			if err != nil {
				return err
			}
			*enabled = *enabled && !suspended
		}
		return nil
	})
	if err != nil {
		return err
	}
	byInstance := map[string][]R{}
	if instance != "" {
		byInstance[instance] = nil
	}
	for i := range rows {
		of, _ := m.head(&rows[i])
		byInstance[of] = append(byInstance[of], rows[i])
	}
	var errs []error
	for id, of := range byInstance {
		errs = append(errs, m.set(id, of))
	}
	return errors.Join(errs...)
}
