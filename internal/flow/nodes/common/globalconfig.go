package common

import (
	"tsunagi/internal/flow"
)

// GlobalConfig holds the environment of the whole flow server, which the runtime reads. The modules that it may name
// are for the editor's import dialog.
func GlobalConfig() flow.Type {
	return flow.Type{
		Name:        "global-config",
		Fields:      []string{"env", "modules"},
		Credentials: map[string]string{"map": "map"},
		New: func(*flow.Base, flow.Config) (flow.Node, error) {
			return still{}, nil
		},
	}
}
