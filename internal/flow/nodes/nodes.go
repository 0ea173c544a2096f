// Package nodes lists the node types that this program can run.
package nodes

import "tsunagi/internal/flow"

// All returns every node type, for flow.Options.
func All() []flow.Type {
	return nil
}
