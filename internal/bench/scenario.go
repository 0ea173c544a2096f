package bench

import (
	"context"
	"fmt"
)

// scenario is a shape of load: who sends to whom. Zero defaults mean that an option has no meaning there.
type scenario struct {
	name, help                   string
	clients, to, filters, window int // defaults
	qos                          int
	measure                      func(r *run, ctx context.Context) (*result, error)
}

var scenarios = []scenario{
	{"pairs", "N publishers, each with a topic and a receiver of its own", 200, 0, 0, 64, 0, (*run).flow},
	{"fan-in", "N publishers to M receivers, each with a wildcard over its share", 50, 5, 0, 64, 0, (*run).flow},
	{"fan-out", "one publisher to N receivers; each arrival counts", 1000, 0, 0, 16, 0, (*run).flow},
	{"scattered", "N publishers, every message to another of F topics, M receivers with F filters between them", 20, 20, 20_000, 64, 0, (*run).flow},
	{"wildcard", "the same with F filters that hold a wildcard; also the cost of subscribing", 20, 20, 200_000, 64, 0, (*run).flow},
	{"retained", "F retained messages, replayed to one subscriber after the other", 1, 0, 100_000, 200, 1, (*run).replays},
	{"durable", "N publishers at QoS 1 to M persistent sessions, connected or (--absent) away", 256, 16, 0, 1, 1, (*run).durable},
	{"idle", "N connections that say one thing and then nothing: memory (with --pid)", 1000, 0, 0, 0, 0, (*run).idle},
	{"storm", "N clients that all connect at once, while others live on", 15_000, 0, 0, 0, 0, (*run).storm},
}

// findScenario is the scenario of that name, or nil.
func findScenario(name string) *scenario {
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i]
		}
	}
	return nil
}

// plan is who subscribes to what and who sends what to whom.
type plan struct {
	filters [][]string // of each receiver
	targets [][]target // of each publisher
	copies  int        // arrivals of one message
}

// shape makes the plan of a scenario whose messages flow all the time.
func (r *run) shape() plan {
	o := r.o
	switch o.scenario {
	case "fan-in", "durable":
		return r.wildcards()
	case "fan-out":
		return r.fanOut()
	case "scattered":
		return r.scatter("%s/t%d", "")
	case "wildcard":
		return r.scatter("%s/w%d/+", "/x")
	}
	p := plan{copies: 1}
	for i := range o.clients {
		topic := fmt.Sprintf("%s/t%d", r.name, i)
		p.filters = append(p.filters, []string{topic})
		p.targets = append(p.targets, []target{newTarget(topic, o, i)})
	}
	return p
}

// wildcards gives each receiver the publishers below a level of its own.
func (r *run) wildcards() plan {
	p := plan{copies: 1}
	for i := range r.o.to {
		p.filters = append(p.filters, []string{fmt.Sprintf("%s/r%d/+", r.name, i)})
	}
	for i := range r.o.clients {
		to := i % r.o.to
		p.targets = append(p.targets, []target{newTarget(fmt.Sprintf("%s/r%d/p%d", r.name, to, i), r.o, to)})
	}
	return p
}

func (r *run) fanOut() plan {
	topic := r.name + "/all"
	p := plan{copies: r.o.clients, targets: [][]target{{newTarget(topic, r.o, 0)}}}
	for range r.o.clients {
		p.filters = append(p.filters, []string{topic})
	}
	return p
}

// scatter spreads as many filters as are asked for over the receivers. form makes a filter; what a wildcard at its end
// stands for is below.
func (r *run) scatter(form, below string) plan {
	o := r.o
	p := plan{copies: 1, filters: make([][]string, o.to)}
	all := make([]target, o.filters)
	for i := range o.filters {
		filter := fmt.Sprintf(form, r.name, i)
		p.filters[i%o.to] = append(p.filters[i%o.to], filter)
		topic := filter
		if below != "" {
			topic = filter[:len(filter)-len("/+")] + below
		}
		all[i] = newTarget(topic, o, i%o.to)
	}
	for range o.clients {
		p.targets = append(p.targets, all)
	}
	return p
}
