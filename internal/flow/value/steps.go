package value

// Steps are the keys and indices of the path, as Node-RED's normalisePropertyExpression
// returns them. References are looked up in msg; without one each is the list of its own steps.
func (p *Path) Steps(msg *Map) (Value, error) {
	out := NewList()
	for i := range p.parts {
		s := p.parts[i]
		if s.ref != nil && msg == nil {
			ref, err := s.ref.Steps(nil)
			if err != nil {
				return Value{}, err
			}
			out.Append(NewList(append([]Value{Str("msg")}, ref.List().a...)...).Value())
			continue
		}
		s, err := p.resolved(i, msg)
		if err != nil {
			return Value{}, err
		}
		if s.index >= 0 {
			out.Append(Int(s.index))
		} else {
			out.Append(Str(s.key))
		}
	}
	return out.Value(), nil
}
