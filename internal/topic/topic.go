// Package topic holds what MQTT says about topic names and topic filters: which are valid, which filter matches which
// name, the tree of subscriptions that a broker asks for the receivers of a message, and the index of retained
// messages that it asks for the names below a filter.
//
// Nothing here recurses, and the work for one question is bounded by MaxLevels and by what stands in the tree, so that
// names and filters from hostile clients cost no more than others. Statement numbers are those of MQTT 5.0.
package topic

import "errors"

const (
	// MaxBytes is the longest name or filter that the protocol can carry, in bytes.
	MaxBytes = 65535
	// MaxLevels is the largest number of levels ("a/b" has two) of a name or a filter. The protocol names no limit;
	// without one a packet of 64 KiB full of slashes would become 65536 nodes of a tree.
	MaxLevels = 128
)

var (
	// ErrName is wrapped by every error about a topic name.
	ErrName = errors.New("invalid topic name")
	// ErrFilter is wrapped by every error about a topic filter.
	ErrFilter = errors.New("invalid topic filter")
)
