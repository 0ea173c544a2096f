package bench

import (
	"context"
	"time"
)

// sessionTime is how long the sessions of `durable` outlive a run that was broken off.
const sessionTime = time.Hour

// durable measures messages that are acknowledged only when they are safe: persistent sessions are owed each of them.
func (r *run) durable(ctx context.Context) (*result, error) {
	res := r.blank()
	p := r.shape()
	defer r.forgetSessions(p)
	if err := r.connectReceivers(ctx, p); err != nil {
		return nil, err
	}
	if r.o.absent {
		for _, v := range r.receivers {
			v.conn.Close()
		}
	}
	if err := r.connectPublishers(ctx, p); err != nil {
		return nil, err
	}
	r.start()
	if err := r.wait(ctx, r.o.warm); err != nil {
		return nil, err
	}
	if err := r.during(ctx, res, r.acknowledged); err != nil {
		return nil, err
	}
	r.stop()
	if r.o.absent {
		if err := r.comeBack(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.drain(ctx); err != nil {
		return nil, err
	}
	r.close()
	r.judge(res)
	if res.Messages == 0 {
		return res, errNothing
	}
	return res, nil
}

// comeBack connects the absent sessions again, which then get what they are owed.
func (r *run) comeBack(ctx context.Context) error {
	r.tell("the sessions come back")
	return each(ctx, r.o.atOnce, len(r.receivers), func(ctx context.Context, i int) error {
		l, err := connect(ctx, r.dialer, r.o, r.receiverLogin(i))
		if err != nil {
			return err
		}
		v := r.receivers[i]
		v.link = l
		r.wg.Go(func() { r.ended(v.listen()) }) // ends with close
		return nil
	})
}

// forgetSessions ends the persistent sessions at the broker.
func (r *run) forgetSessions(p plan) {
	r.close()
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	_ = each(ctx, r.o.atOnce, len(p.filters), func(ctx context.Context, i int) error { // best effort: they expire
		who := r.receiverLogin(i)
		who.persistent = false
		l, err := connect(ctx, r.dialer, r.o, who)
		if err != nil {
			return err
		}
		return l.conn.Close()
	})
}
