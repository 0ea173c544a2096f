package stats

import "context"

// Judge is what Run does after each reading.
func (c *Collector) Judge(ctx context.Context) { c.judgeAll(ctx) }

// Load is what Run does first.
func (c *Collector) Load(ctx context.Context) error { return c.load(ctx) }

// Pending counts what waits to be written.
func (c *Collector) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}
