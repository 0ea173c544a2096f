package flow

// Heard says whether complete nodes hear of this node, so that the message given to Done
// matters.
func (b *Base) Heard() bool { return b.hearers != nil }

// Keys are the names of what is kept, in the order in which it was first set.
func (c Context) Keys() []string {
	data := c.rt.contexts.data[c.id]
	if data == nil {
		return nil
	}
	keys := make([]string, 0, data.Len())
	for key := range data.All() {
		keys = append(keys, key)
	}
	return keys
}
