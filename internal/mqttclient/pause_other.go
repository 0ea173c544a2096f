//go:build !linux

package mqttclient

import "time"

// pause does nothing where short sleeps can't be had.
func pause(time.Duration) {}
