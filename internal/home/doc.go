// Package home is the door of a flow server at home for its platform's panel: how the machine is, its log, a restart,
// another version of the program, and what package editor shows of the flows.
//
// The door is reached through the tunnel alone, in streams that no browser can open. Nothing is sent unless it is asked
// for, so that a device nobody looks at sends nothing.
package home
