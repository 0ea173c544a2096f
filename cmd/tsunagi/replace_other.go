//go:build !unix

package main

import "errors"

func replace(string) error {
	return errors.New("this system can't replace a running program: start it again by hand")
}
