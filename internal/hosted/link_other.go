//go:build !linux

package hosted

import (
	"errors"
	"net"
	"os"
)

// errLinux is the answer on other systems.
var errLinux = errors.New("hosted flow servers need Linux")

func pair() (*net.UnixConn, *os.File, error)       { return nil, nil, errLinux }
func streamPair() (*net.UnixConn, *os.File, error) { return nil, nil, errLinux }
func unixConn(f *os.File) (*net.UnixConn, error)   { return nil, errors.Join(errLinux, f.Close()) }

func sendMessage(*net.UnixConn, []byte, *os.File) error              { return errLinux }
func receiveMessage(*net.UnixConn, []byte) ([]byte, *os.File, error) { return nil, nil, errLinux }
