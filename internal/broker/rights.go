package broker

// AllowAll is the rights of who may do everything that clients can do.
type AllowAll struct{}

// Generation never changes.
func (AllowAll) Generation() uint64 { return 0 }

// MayPublish says yes.
func (AllowAll) MayPublish(string, string, byte, bool) Verdict {
	return Verdict{true, "no access rules"}
}

// MaySubscribe says yes.
func (AllowAll) MaySubscribe(string, string) Verdict { return Verdict{true, "no access rules"} }

// MayReceive says yes.
func (AllowAll) MayReceive(string, string) Verdict { return Verdict{true, "no access rules"} }
