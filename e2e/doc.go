// Package e2e tries the whole binary from outside: the how-to in Chromium with real clients (the .mjs files, run by
// scripts/e2e), and what must hold when the process is killed.
package e2e
