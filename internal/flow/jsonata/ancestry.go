package jsonata

// seekAlso makes n seek the parents that its part seeks.
func (n *node) seekAlso(part *node) {
	n.seeking = append(n.seeking, part.seeking...)
	if part.kind == kParent {
		n.seeking = append(n.seeking, part.slot)
	}
}

// ancestry finds the parents that the last step of a path seeks; those before its first
// step are left to what is around the path.
func (r *resolver) ancestry(path *node) {
	last := path.last()
	slots := last.seeking
	if last.kind == kParent {
		slots = append(slots, last.slot)
	}
	for _, s := range slots {
		i := len(path.list) - 2
		for s.level > 0 {
			if i < 0 {
				path.seeking = append(path.seeking, s)
				break
			}
			step := path.list[i]
			i--
			for i >= 0 && step.focus != "" && path.list[i].focus != "" {
				step = path.list[i]
				i--
			}
			seek(step, s)
		}
	}
}

// seek goes one step up for a slot.
func seek(n *node, s *slot) {
	switch n.kind {
	case kName, kWildcard:
		if s.level--; s.level == 0 {
			if n.ancestor != nil {
				s.owner.slot.label = n.ancestor.label
			}
			n.ancestor, n.tuple = s, true
		}
	case kParent:
		s.level++
	case kBlock:
		if len(n.list) > 0 {
			n.tuple = true
			seek(n.last(), s)
		}
	case kPath:
		n.tuple = true
		i := len(n.list) - 1
		seek(n.list[i], s)
		for i--; s.level > 0 && i >= 0; i-- {
			seek(n.list[i], s)
		}
	default:
		panic(&Error{Code: "S0217", Position: n.pos})
	}
}
