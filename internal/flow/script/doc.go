// Package script runs JavaScript for flows: QuickJS, translated to Go, one engine for each
// script that has to be kept apart, with a limit on its memory and on the time of each call.
//
// A script sees the language and what the prelude adds (Buffer, URL, console, util, …). It
// reaches nothing of the host but the functions that it is given with VM.Function; those take
// and return values, which are copied on the way. Hence a script can't change what another
// sees, whatever it does to its own prototypes.
//
// A call is interrupted wherever the script itself loops, calls, waits or matches a regular
// expression. A built-in function is not: one that walks the indices of an array of 10 million
// holes, such as indexOf, holds the loop for about a second beyond the limit, and of one with
// more of them for longer.
//
// The engine is not memory-safe in the way Go is: where scripts of strangers run, the process
// is the boundary.
package script
