package network

import "net/http"

type socketListener struct{}

func (s *Web) serveSocket(http.ResponseWriter, *http.Request) bool { return false }
