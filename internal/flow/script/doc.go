// Package script runs JavaScript for flows: QuickJS, translated to Go, one engine for each
// script that has to be kept apart, with a limit on its memory and on the time of each call.
//
// A script sees the language and what the prelude adds (Buffer, URL, console, util, …). It
// reaches nothing of the host but the functions that it is given with VM.Function; those take
// and return values, which are copied on the way. Hence a script can't change what another
// sees, whatever it does to its own prototypes.
//
// A call is interrupted wherever the script itself loops, calls, waits or matches a regular
// expression, and by the watchdog where a built-in function walks what isn't there, such as the
// holes of a long array. What is left are functions that work on what is there: to search a text of
// megabytes for another one, to multiply BigInts of as many digits, or to walk a long array-like
// without a prototype takes as long as it takes; the memory limit bounds it.
//
// The engine is not memory-safe in the way Go is: where scripts of strangers run, the process
// is the boundary.
package script
