package resident

import "context"

// Wait calls end, which returns when all has ended, and waits for that as long as ctx allows; then it returns its error,
// and end goes on alone.
func Wait(ctx context.Context, end func()) error {
	ended := make(chan struct{})
	go func() { // ends with end
		end()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
