package flow

// Heard says whether complete nodes hear of this node, so that the message given to Done
// matters.
func (b *Base) Heard() bool { return b.hearers != nil }
