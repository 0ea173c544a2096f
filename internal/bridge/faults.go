package bridge

import (
	"errors"

	"tsunagi/internal/fault"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/mqttclient"
)

// told gives an error of the remote broker, or of the way to it, the code by which people are told.
func told(err error) error {
	if fault.Read(err.Error()) != nil {
		return err
	}
	if refused, ok := errors.AsType[*mqttclient.ServerError](err); ok {
		code, reason := fault.Refused, fault.Reason(byte(refused.Reason))
		switch {
		case refused.Packet == mqtt.DISCONNECT:
			code = fault.Dismissed
		case connectProblem(err) == ProblemLogin:
			code = fault.Login
		}
		return fault.Wrap(code, err, "reason", reason)
	}
	if errors.Is(err, mqttclient.ErrNoAnswer) {
		return fault.As(fault.Pings, err)
	}
	var reason mqtt.Reason
	if errors.As(err, &reason) {
		return fault.Wrap(fault.Speech, err)
	}
	return fault.Network(err)
}

// reasonOf is what an acknowledgement says in words.
func reasonOf(a *mqtt.Ack) error {
	if a.ReasonString == "" {
		return a.Reason
	}
	return errors.New(a.Reason.Error() + " " + a.ReasonString)
}

func quoted(topic []byte) string { return fault.Quoted(string(topic)) }
