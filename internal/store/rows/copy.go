package rows

import (
	"fmt"
	"slices"
)

// copier is an entity of any type.
type copier interface {
	copyTo(from, to Conn) error
	clear(c Conn) error
	name() string
}

// everything is every table, those that others belong to first.
var everything = []copier{
	accounts, memberships, teamInvitations, sessions, invitations, resetLinks, instances, apiTokens, factors, users, rules,
	flowServers, devices, deviceLabels, settings, logins, clientAuthorities, clientCertificates, tokenKeys, metricsTokens,
	bridges, hooks, deadLetters, onces, exposures, audits, logLines,
}

// Copy puts everything of one store into another, whose own rows go. Both are inside of a transaction.
func Copy(from, to Conn) error {
	if err := Clear(to); err != nil {
		return err
	}
	for _, e := range everything {
		if err := e.copyTo(from, to); err != nil {
			return err
		}
	}
	return nil
}

// Tables are the names of all tables that Copy knows.
func Tables() (names []string) {
	for _, e := range everything {
		names = append(names, e.name())
	}
	return names
}

// Clear deletes everything.
func Clear(c Conn) error {
	for _, e := range slices.Backward(everything) {
		if err := e.clear(c); err != nil {
			return err
		}
	}
	return nil
}

// Empty says whether a store has no account yet.
func Empty(c Conn) (bool, error) {
	found, err := accounts.all(c, "limit 1")
	return len(found) == 0, err
}

func (e entity[T]) copyTo(from, to Conn) error {
	if err := e.each(from, "", nil, func(row T) error { return e.insert(to, row) }); err != nil {
		return fmt.Errorf("copy %s: %w", e.table, err)
	}
	return nil
}

func (e entity[T]) clear(c Conn) error {
	if _, err := c.Exec("delete from " + e.table); err != nil {
		return fmt.Errorf("clear %s: %w", e.table, err)
	}
	return nil
}

func (e entity[T]) name() string { return e.table }
