//go:build !linux

package gate

import (
	"errors"
	"net"
)

// Serving is for Linux; these let the package compile where only the other commands run.

const supported = false

var errNoServer = errors.New("serving MQTT needs Linux")

func rawRead(int, []byte) (int, bool, error) { return 0, false, errNoServer }

func pollable(int) bool { return true }

func rawWrite(int, [][]byte) (int, error) { return 0, errNoServer }

func tune(net.Listener) {}

func boundSending(*net.TCPConn) {}

func probe(*net.TCPConn) func() { return func() {} }

func outOfFiles(error) bool { return false }

func fileLimit() int { return 0 }
