package broker

// idSet holds the packet identifiers that a client has open towards us, each with a state other than 0: open
// addressing by the identifier itself, since clients count upwards. A nil set is empty and can be asked; the zero value
// is ready.
type idSet struct {
	slots []uint32 // identifier<<8 | state; 0 is free; the length is a power of two, at most half of them used
	n     int
}

func (s *idSet) find(id uint16) int {
	mask := len(s.slots) - 1
	i := int(id) & mask
	for s.slots[i] != 0 && uint16(s.slots[i]>>8) != id {
		i = (i + 1) & mask
	}
	return i
}

// get is the state of id, 0 when it isn't open.
func (s *idSet) get(id uint16) byte {
	if s == nil || s.n == 0 {
		return 0
	}
	return byte(s.slots[s.find(id)])
}

// put sets the state of id.
func (s *idSet) put(id uint16, state byte) {
	if 2*(s.n+1) > len(s.slots) {
		old := s.slots
		s.slots = make([]uint32, max(8, 2*len(old)))
		for _, v := range old {
			if v != 0 {
				s.slots[s.find(uint16(v>>8))] = v
			}
		}
	}
	i := s.find(id)
	if s.slots[i] == 0 {
		s.n++
	}
	s.slots[i] = uint32(id)<<8 | uint32(state)
}

// drop closes id.
func (s *idSet) drop(id uint16) {
	if s == nil || s.n == 0 {
		return
	}
	i := s.find(id)
	if s.slots[i] == 0 {
		return
	}
	if s.n--; s.n == 0 && len(s.slots) > 64 {
		s.slots = nil
		return
	}
	mask := len(s.slots) - 1
	for j := i; ; { // close the gap, so that find needs no tombstones
		s.slots[i] = 0
		for {
			j = (j + 1) & mask
			if s.slots[j] == 0 {
				return
			}
			home := int(s.slots[j]>>8) & mask
			if (j-home)&mask >= (j-i)&mask {
				break
			}
		}
		s.slots[i], i = s.slots[j], j
	}
}

// each calls yield for every open identifier, in no order.
func (s *idSet) each(yield func(id uint16, state byte)) {
	if s == nil {
		return
	}
	for _, v := range s.slots {
		if v != 0 {
			yield(uint16(v>>8), byte(v))
		}
	}
}
