package account

import (
	"context"
	"sync"
	"time"
)

// Bounds of one retry.
const (
	retryAtOnce = 8
	retryMost   = 100
	retryTime   = 20 * time.Second
)

// Retried is how a retry of dead letters went.
type Retried struct {
	Delivered int    // that are dead letters no more
	Failed    int    // that were tried and stay
	Left      int    // of the hook, in all
	Cause     string // why one of them failed, in words
}

// RetryDeadLetters tries dead letters of a hook once more by again, within bounds of number and time: those of the list,
// or the newest when it is empty. Those that arrive are deleted. The error of again is in words.
func (s *Service) RetryDeadLetters(ctx context.Context, by Actor, instance, hook string, ids []int64,
	again func(context.Context, Hook, DeadLetter) error) (out Retried, err error) {
	h, err := s.Hook(ctx, by, instance, hook)
	if err != nil {
		return out, err
	}
	list, err := s.SomeDeadLetters(ctx, by, instance, hook, ids, retryMost)
	if err == nil {
		err = s.AuditInstance(ctx, by, instance, "hook.retry", h.Name)
	}
	if err != nil {
		return out, err
	}
	bounded, cancel := context.WithTimeout(ctx, retryTime)
	defer cancel()
	var mu sync.Mutex // guards out
	var wg sync.WaitGroup
	places := make(chan struct{}, retryAtOnce)
	for _, d := range list {
		places <- struct{}{}
		if bounded.Err() != nil {
			break
		}
		wg.Go(func() { // ends within the time of one attempt
			defer func() { <-places }()
			err := again(bounded, h, d)
			if err == nil {
				err = s.SettleDeadLetter(ctx, d)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Failed++
				out.Cause = err.Error()
				return
			}
			out.Delivered++
		})
	}
	wg.Wait()
	out.Left, err = s.CountDeadLetters(ctx, instance, hook)
	return out, err
}
