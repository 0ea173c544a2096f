package hook

import (
	"context"
	"time"

	"tsunagi/internal/filling"
	"tsunagi/internal/resident"
)

// listed is how many events a mail shows.
const listed = 20

// mail gathers events and writes about them, not more often than MailEvery. What comes while it may not write waits, in
// the end in the session's queue.
func (u *runner) mail(ctx context.Context, c *resident.Client, jobs <-chan job) {
	next := time.Time{}
	for {
		var list []job
		select {
		case j := <-jobs:
			list = append(list, j)
		case <-ctx.Done():
			return
		}
		wait := max(time.Until(next), u.o.Gather)
		list = u.gather(ctx, list, jobs, wait)
		if !u.write(ctx, c, list) {
			return
		}
		next = time.Now().Add(u.o.MailEvery)
	}
}

// gather adds what comes within a time, up to the window.
func (u *runner) gather(ctx context.Context, list []job, jobs <-chan job, wait time.Duration) []job {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		more := jobs
		if len(list) >= mailWindow {
			more = nil
		}
		select {
		case j := <-more:
			list = append(list, j)
		case <-timer.C:
			return list
		case <-ctx.Done():
			return list
		}
	}
}

// write sends one mail about a list, or has it among the dead letters; false when ctx ends.
func (u *runner) write(ctx context.Context, c *resident.Client, list []job) bool {
	shown := make([]*filling.Message, 0, listed)
	for _, j := range list[:min(len(list), listed)] {
		shown = append(shown, j.m)
	}
	pause := u.o.RetryMin
	for attempt := 1; ; attempt++ {
		if u.m.allowed(ctx, u.r.Instance) != nil {
			return false
		}
		err := u.o.Mail(ctx, u.r.Hook, shown, len(list)-len(shown))
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			u.well()
			break
		}
		u.wrong(err)
		if attempt < u.o.Attempts {
			u.retries.Add(1)
			u.count(&u.retrying, 1)
			sleep(ctx, jitter(pause))
			u.count(&u.retrying, -1)
			pause = min(2*pause, u.o.RetryMax)
			continue
		}
		for _, j := range list {
			if !u.bury(ctx, j.m, attempt, err) {
				return false
			}
		}
		break
	}
	for _, j := range list {
		u.settle(c, j)
	}
	return true
}
