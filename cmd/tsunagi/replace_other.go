//go:build !unix

package main

// replace is not there: this system can't run another program in place of this process.
var replace func(program string) error
