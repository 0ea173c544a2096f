package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tsunagi/internal/procfs"
)

// httpConns is how many requests are on their way at once, each on a connection of its own.
const httpConns = 16

// httpLoad asks an http in node again and again.
func httpLoad(ctx context.Context, s *settings, t *target) (figure, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: httpConns}
	defer transport.CloseIdleConnections()
	h := &http.Client{Transport: transport, Timeout: patience}
	var count atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, httpConns)
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := ask(own, h, t.http, 1); err != nil {
		return nil, err
	}
	for i := range httpConns {
		wg.Go(func() { // ends with own, or at its first error
			for n := i; own.Err() == nil; n += httpConns {
				if err := ask(own, h, t.http, n); err != nil {
					if own.Err() == nil {
						errs <- err
					}
					return
				}
				count.Add(1)
			}
		})
	}
	wait := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case err := <-errs:
			return err
		}
	}
	if err := wait(s.warm); err != nil {
		return nil, err
	}
	before := count.Load()
	cpu, err := procfs.CPU(t.pid)
	if err != nil {
		return nil, err
	}
	if err := wait(s.duration); err != nil {
		return nil, err
	}
	after, err := procfs.CPU(t.pid)
	if err != nil {
		return nil, err
	}
	n := count.Load() - before
	rss, err := procfs.Resident(t.pid)
	cancel()
	wg.Wait()
	return figure{"reqs/CPU-s": float64(n) / (after - cpu).Seconds(), rssMB: float64(rss) / (1 << 20)}, err
}

func ask(ctx context.Context, h *http.Client, base string, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/bench?n=%d", base, n), nil)
	if err != nil {
		return err
	}
	resp, err := h.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`{"n":%d,"ok":true}`, n); resp.StatusCode != http.StatusOK || string(body) != want {
		return fmt.Errorf("answer to request %d is wrong: %s %q, want %s", n, resp.Status, body, want)
	}
	return nil
}
