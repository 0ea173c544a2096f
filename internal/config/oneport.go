package config

import "strconv"

// validateOnePort makes the settings of the one-port mode agree with each other. A port switches it on, and is where
// http listens unless that is set itself.
func (s *Serve) validateOnePort(fault func(string, ...any)) {
	if s.PublicPort < 1 || s.PublicPort > 65535 {
		fault("public_port %d: want 1 to 65535", s.PublicPort)
	}
	proxies, err := Networks(s.ForwardedFrom)
	if err != nil {
		fault("forwarded_from %v", err)
		return
	}
	if s.Dev {
		if s.BehindProxy {
			fault("behind_proxy with dev: want one of them; dev is for this machine only")
		}
		return // a PORT that happens to be set means nothing there
	}
	if s.Port != "" && s.Port != Off {
		if n, err := strconv.Atoi(s.Port); err != nil || n < 0 || n > 65535 {
			fault("port %q: want a port's number, or off", s.Port)
			return
		}
		s.BehindProxy = true
		if s.HTTP == "" {
			s.HTTP = ":" + s.Port
		}
	}
	if !s.BehindProxy {
		return
	}
	switch {
	case len(proxies) == 0:
		fault("forwarded_from is empty in one-port mode (behind_proxy, port or the variable PORT): want the addresses of the proxy that ends TLS, such as 10.0.0.0/8; port off leaves the mode")
	case s.HTTP == Off:
		fault("http %q in one-port mode: want the address that the proxy connects to", s.HTTP)
	case s.Plain:
		fault("plain in one-port mode: want one of them; the proxy ends TLS for /mqtt as well")
	}
}
