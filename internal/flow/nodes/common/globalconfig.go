package common

import (
	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// GlobalConfig holds the environment of the whole flow server, which the runtime reads. The
// modules it may name as well can't be installed here.
func GlobalConfig() flow.Type {
	return flow.Type{
		Name:        "global-config",
		Fields:      []string{"env", "modules"},
		Credentials: map[string]string{"map": "map"},
		New: func(_ *flow.Base, c flow.Config) (flow.Node, error) {
			if m := c.Get("modules"); m.Is(value.Object) && m.Map().Len() > 0 {
				return nil, c.Refuse("modules", "")
			}
			return still{}, nil
		},
	}
}
