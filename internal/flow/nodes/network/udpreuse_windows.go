package network

import "syscall"

// reuseAddress lets several programs listen to one port, for multicast.
func reuseAddress(fd uintptr) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
}
