package hosted

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pair makes two connected sockets of whole messages: one as a connection, one as a file to be inherited.
func pair() (*net.UnixConn, *os.File, error) {
	return socketPair(unix.SOCK_SEQPACKET)
}

// streamPair makes two connected stream sockets.
func streamPair() (*net.UnixConn, *os.File, error) {
	return socketPair(unix.SOCK_STREAM)
}

func socketPair(kind int) (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "theirs")
	conn, err := unixConn(os.NewFile(uintptr(fds[0]), "ours"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// unixConn turns a file into a connection, and closes the file.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a unix socket")
	}
	return u, nil
}

// sendMessage writes one packet.
func sendMessage(c *net.UnixConn, text []byte, file *os.File) error {
	var rights []byte
	if file != nil {
		raw, err := file.SyscallConn()
		if err != nil {
			return err
		}
		var sent error
		err = raw.Control(func(fd uintptr) {
			rights = unix.UnixRights(int(fd))
			_, _, sent = c.WriteMsgUnix(text, rights, nil)
		})
		return errors.Join(err, sent)
	}
	_, _, err := c.WriteMsgUnix(text, rights, nil)
	return err
}

// receiveMessage reads one packet into buffer. More than one descriptor, or a packet that was cut, is an error.
func receiveMessage(c *net.UnixConn, buffer []byte) ([]byte, *os.File, error) {
	oob := make([]byte, unix.CmsgSpace(4*4))
	n, oobn, flags, _, err := c.ReadMsgUnix(buffer, oob)
	if err != nil {
		return nil, nil, err
	}
	files, err := descriptors(oob[:oobn])
	if n == 0 && err == nil && len(files) == 0 {
		return nil, nil, io.EOF
	}
	if err == nil && (flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || len(files) > 1) {
		err = errors.New("a packet that is too large")
	}
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return nil, nil, err
	}
	if len(files) == 1 {
		return buffer[:n], files[0], nil
	}
	return buffer[:n], nil, nil
}

// descriptors are the files of a control message.
func descriptors(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			unix.SetNonblock(fd, true) // it is a socket: the runtime waits for it
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}
