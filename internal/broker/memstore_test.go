package broker

import (
	"errors"
	"slices"
	"sync"
)

// memStore is a Store in memory that keeps what was written across brokers, as a file would, and fails when asked to.
type memStore struct {
	mu       sync.Mutex
	next     uint64
	log      []Record
	ret      map[[2]string][]byte
	ses      map[[2]string][]byte
	subs     map[[3]string][]byte
	cur      map[[2]string][]byte
	pkt      map[pktKey][]byte
	fail     error             // returned by Write
	full     func(*Batch) bool // says which batches don't fit
	gate     chan struct{}     // when not nil, each Write takes one from it
	writes   int
	readAts  int
	bodies   int    // memory for bodies, when not 0
	carryLag uint64 // when not 0
}

type pktKey struct {
	instance, client string
	dir              Direction
	id               uint16
}

func newMemStore() *memStore {
	return &memStore{next: 1, ret: map[[2]string][]byte{}, ses: map[[2]string][]byte{}, subs: map[[3]string][]byte{},
		cur: map[[2]string][]byte{}, pkt: map[pktKey][]byte{}}
}

func put[K comparable](m map[K][]byte, k K, v []byte) {
	if v == nil {
		delete(m, k)
		return
	}
	m[k] = slices.Clone(v)
}

func (s *memStore) Write(b *Batch) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.fail != nil {
		return s.fail
	}
	if s.full != nil && s.full(b) {
		return ErrStoreFull
	}
	for _, r := range b.Log {
		if r.Offset != s.next {
			return errors.New("offsets are not dense")
		}
		s.next++
		r.Message = slices.Clone(r.Message)
		s.log = append(s.log, r)
	}
	for _, w := range b.Retained {
		put(s.ret, [2]string{w.Instance, w.Topic}, w.Message)
	}
	for _, w := range b.Sessions {
		put(s.ses, [2]string{w.Instance, w.Client}, w.State)
		if w.State == nil {
			for k := range s.subs {
				if k[0] == w.Instance && k[1] == w.Client {
					delete(s.subs, k)
				}
			}
			for k := range s.pkt {
				if k.instance == w.Instance && k.client == w.Client {
					delete(s.pkt, k)
				}
			}
			delete(s.cur, [2]string{w.Instance, w.Client})
		}
	}
	for _, w := range b.Subscriptions {
		put(s.subs, [3]string{w.Instance, w.Client, w.Filter}, w.State)
	}
	for _, w := range b.Cursors {
		put(s.cur, [2]string{w.Instance, w.Client}, w.State)
	}
	for _, w := range b.Packets {
		put(s.pkt, pktKey{w.Instance, w.Client, w.Dir, w.ID}, w.State)
	}
	return nil
}

func (s *memStore) Room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full != nil && s.full(&Batch{Log: make([]Record, 1)}) {
		return ErrStoreFull
	}
	return nil
}

func (s *memStore) NextOffset() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

func (s *memStore) ReadLog(instance string, from uint64, yield func(Record) bool) error {
	s.mu.Lock()
	log := slices.Clone(s.log)
	s.mu.Unlock()
	for _, r := range log {
		if r.Instance == instance && r.Offset >= from && !yield(r) {
			break
		}
	}
	return nil
}

func (s *memStore) ReadAt(instance string, offsets []uint64, yield func(Record) bool) error {
	s.mu.Lock()
	s.readAts++
	s.mu.Unlock()
	return s.ReadLog(instance, 0, func(r Record) bool {
		return !slices.Contains(offsets, r.Offset) || yield(r)
	})
}

func (s *memStore) Load(instance string, v Loader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, m := range s.ret {
		if k[0] == instance {
			if err := v.Retained(k[1], Record{Instance: instance, Message: m}); err != nil {
				return err
			}
		}
	}
	for k, st := range s.ses {
		if k[0] != instance {
			continue
		}
		if err := v.Session(k[1], st); err != nil {
			return err
		}
		for q, st := range s.subs {
			if q[0] == instance && q[1] == k[1] {
				if err := v.Subscription(q[1], q[2], st); err != nil {
					return err
				}
			}
		}
		if st := s.cur[k]; st != nil {
			if err := v.Cursor(k[1], st); err != nil {
				return err
			}
		}
		for q, st := range s.pkt {
			if q.instance == instance && q.client == k[1] {
				if err := v.Packet(q.client, q.dir, q.id, st); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *memStore) Instances() ([]string, error) { return nil, nil }

func (s *memStore) Trim(below uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = slices.DeleteFunc(s.log, func(r Record) bool { return r.Offset < below })
	return nil
}

func (s *memStore) Drop(string) error { return nil }
