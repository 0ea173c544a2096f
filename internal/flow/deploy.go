package flow

import (
	"context"
	"fmt"
	"slices"
)

// Deploy makes f the running flows. It returns when what had to stop has stopped and the new
// nodes are started. What a browser should know (missing types, for one) leaves as events;
// the error is about ctx or the runtime itself. Flows that a person stopped stay so.
func (r *Runtime) Deploy(ctx context.Context, f *File, c Credentials, t DeployType) error {
	return r.exclusively(ctx, func() error {
		g := newGraph(f, func(name string) bool { return r.types[name] != nil })
		if err := r.impatiently(func() error { return r.on(ctx, func() {}) }); err != nil {
			return err
		}
		ctx = context.WithoutCancel(ctx) // what is begun is done as a whole
		var d *diff
		run := false
		err := r.on(ctx, func() {
			run = !r.halted
			if t != DeployReload && r.graph != nil {
				d = newDiff(r.graph, g)
			}
			if d == nil || d.globalChanged || t == DeployReload {
				t = DeployFull
			}
			r.graph, r.creds = g, c
		})
		if err != nil {
			return err
		}
		if !run {
			r.o.Log.Info("flows updated", "rev", g.rev)
			return r.on(ctx, func() { r.deployed() })
		}
		r.stopFlows(t, d, true)
		return r.on(ctx, func() {
			r.o.Log.Info("flows updated", "rev", g.rev)
			r.cleanContexts()
			r.startFlows(t, d, true)
			r.deployed()
		})
	})
}

// exclusively runs f while nobody else deploys, starts or stops.
func (r *Runtime) exclusively(ctx context.Context, f func() error) error {
	select {
	case r.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return ErrStopped
	}
	defer func() { <-r.turns }()
	return f()
}

func (r *Runtime) deployed() {
	r.emit(Event{Topic: "notification/runtime-deploy", Data: map[string]any{"revision": r.graph.rev}, Retain: true})
}

// SetState starts or stops the flows: "start" or "stop". Stopped before the first Deploy,
// flows are loaded and don't start.
func (r *Runtime) SetState(ctx context.Context, state string) error {
	if state != "start" && state != "stop" {
		return fmt.Errorf("state %q: want start or stop", state)
	}
	return r.exclusively(ctx, func() error {
		if err := r.impatiently(func() error { return r.on(ctx, func() { r.halted = state == "stop" }) }); err != nil {
			return err
		}
		if state == "stop" {
			r.stopFlows(DeployFull, nil, false)
			return nil
		}
		return r.on(ctx, func() {
			if r.graph != nil && !r.started {
				r.startFlows(DeployFull, nil, false)
			}
		})
	})
}

// stopFlows stops what the deploy changes and waits for it; the loop goes on meanwhile.
func (r *Runtime) stopFlows(t DeployType, d *diff, deploy bool) {
	c := newClosing()
	was := false
	err := r.impatiently(func() error {
		return r.on(context.Background(), func() {
			if was = r.started; !was {
				return
			}
			r.o.Log.Info("stopping flows", "deploy", string(t))
			r.started = false
			r.setState("stop")
			r.stopContainers(t, d, c)
		})
	})
	if err != nil || !was {
		return
	}
	c.all()
	select {
	case <-c.done:
	case <-r.ended:
		return
	}
	_ = r.on(context.Background(), func() { // without a loop nobody listens
		r.o.Log.Info("stopped flows", "deploy", string(t))
		r.stateEvent("stop", deploy)
	})
}

func (r *Runtime) stateEvent(state string, deploy bool) {
	data := map[string]any{"state": state}
	if deploy {
		data["deploy"] = true
	}
	r.emit(Event{Topic: "notification/runtime-state", Data: data, Retain: true})
}

// stopContainers closes nodes: those of tabs first, the global config nodes last.
func (r *Runtime) stopContainers(t DeployType, d *diff, c *closing) {
	removed := map[string]bool{}
	var list []string
	if d != nil {
		removed = d.removed.has
		list = d.stopList(t)
	}
	if t == DeployFull {
		list = nil
	} else if list == nil {
		list = []string{}
	}
	ids := slices.DeleteFunc(slices.Clone(r.order), func(id string) bool { return id == globalID })
	for _, id := range append(ids, globalID) {
		f := r.flows[id]
		if f == nil {
			continue
		}
		whole := d != nil && (d.flowChanged.has[id] || d.added.has[id] || d.removed.has[id])
		if whole {
			f.stop(nil, removed, c)
		} else {
			f.stop(list, removed, c)
		}
		if t == DeployFull || whole {
			r.drop(id)
		}
	}
	r.resolve()
}

func (r *Runtime) drop(id string) {
	delete(r.flows, id)
	r.order = slices.DeleteFunc(r.order, func(x string) bool { return x == id })
	if id == globalID {
		r.global = nil
	}
}

// startFlows starts what doesn't run and should.
func (r *Runtime) startFlows(t DeployType, d *diff, deploy bool) {
	r.started = true
	r.setState("start")
	if len(r.graph.missing) > 0 {
		r.o.Log.Warn("flows wait for missing node types", "types", r.graph.missing)
		r.emit(Event{Topic: "notification/runtime-state", Retain: true, Data: map[string]any{
			"state": "stop", "error": "missing-types", "type": "warning",
			"text": "notification.warnings.missing-types", "types": r.graph.missing}})
		return
	}
	r.o.Log.Info("starting flows", "deploy", string(t))
	if r.global == nil {
		r.global = newContainer(r, nil, globalID, r.graph.global)
		r.flows[globalID] = r.global
		r.order = append([]string{globalID}, r.order...)
	} else {
		r.global.update(r.graph.global)
	}
	for _, id := range r.graph.tabOrder {
		tab := r.graph.tabs[id]
		switch f := r.flows[id]; {
		case tab.disabled():
		case f != nil:
			f.update(tab)
		default:
			r.flows[id] = newContainer(r, r.global, id, tab)
			r.order = append(r.order, id)
		}
	}
	clear(r.failed)
	for _, id := range r.order {
		r.flows[id].start()
		if d != nil {
			r.flows[id].rewire(d.rewired.order)
		}
	}
	for _, id := range r.order {
		r.flows[id].listen()
	}
	r.resolve()
	r.stateEvent("start", deploy)
	r.o.Log.Info("started flows", "deploy", string(t))
}

// resolve finds the receivers of all wires anew.
func (r *Runtime) resolve() {
	for _, id := range r.order {
		r.flows[id].resolve()
	}
}
