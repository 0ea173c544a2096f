package app

import (
	"time"

	"tsunagi/internal/config"
	"tsunagi/internal/flow"
)

// contextSettings say where flows keep context.
type contextSettings struct {
	standard string // the store for keys that name none; "" is the first
	list     []flow.ContextStore
	limit    int // bytes that all contexts together may hold; 0 is the runtime's own
}

// contextsOf are the stores of the settings.
func contextsOf(cfg *config.Flow) contextSettings {
	var list []flow.ContextStore
	for _, c := range cfg.Context {
		s := flow.ContextStore{Name: c.Name, Module: c.Module, Dir: c.Dir, NoCache: c.Cache != nil && !*c.Cache, Interval: 30 * time.Second}
		if s.Dir == "" {
			s.Dir = "context"
		}
		if c.FlushInterval != nil {
			s.Interval = time.Duration(*c.FlushInterval * float64(time.Second))
		}
		list = append(list, s)
	}
	return contextSettings{standard: cfg.ContextDefault, list: list}
}
