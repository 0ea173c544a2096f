package mqtt

import "errors"

// fault is a reason with what was wrong in words that help whoever wrote the peer.
type fault struct {
	reason Reason
	what   string
}

func (f *fault) Error() string { return f.reason.Error() + ": " + f.what }

func (f *fault) Unwrap() error { return f.reason }

func malformed(what string) error { return &fault{MalformedPacket, what} }

func protocol(what string) error { return &fault{ProtocolError, what} }

// ReasonOf is the reason code that err carries: Success for nil, UnspecifiedError where it carries none.
func ReasonOf(err error) Reason {
	if err == nil {
		return Success
	}
	if r, ok := errors.AsType[Reason](err); ok {
		return r
	}
	return UnspecifiedError
}
