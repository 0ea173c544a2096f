package account

import (
	"slices"
	"sync"
)

// hostIndex says which instance a proven name leads to.
type hostIndex struct {
	mu   sync.RWMutex // guards both
	of   map[string]string
	each map[string][]string
}

// set replaces the proven names of an instance.
func (x *hostIndex) set(instance string, rows []HostName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range x.each[instance] {
		delete(x.of, name)
	}
	delete(x.each, instance)
	for _, h := range rows {
		if h.ProvenAt.IsZero() {
			continue
		}
		if x.of == nil {
			x.of, x.each = map[string]string{}, map[string][]string{}
		}
		x.of[h.Name] = instance
		x.each[instance] = append(x.each[instance], h.Name)
	}
}

// instance is whose a name is; "" for nobody's.
func (x *hostIndex) instance(name string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.of[name]
}

// HostNames are the proven names of an instance, the oldest first.
func (d *Directory) HostNames(instance string) []string {
	d.hosts.mu.RLock()
	defer d.hosts.mu.RUnlock()
	return slices.Clone(d.hosts.each[instance])
}

// AllHostNames are the proven names of all instances, in no order.
func (d *Directory) AllHostNames() []string {
	d.hosts.mu.RLock()
	defer d.hosts.mu.RUnlock()
	list := make([]string, 0, len(d.hosts.of))
	for name := range d.hosts.of {
		list = append(list, name)
	}
	return list
}
