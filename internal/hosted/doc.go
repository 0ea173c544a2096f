// Package hosted runs the flow servers of the platform's customers: one child process `tsunagi flow` for each, watched,
// bounded and started again when it dies, with a reverse proxy in front of its editor.
//
// Parent and child speak over one inherited socket of whole messages (see link). Through it a child gets its
// configuration and its connections: HTTP connections are passed as open descriptors, so a child listens nowhere, and
// whatever it wants to dial the parent dials for it after looking at the address. A child therefore needs no network of
// its own and is started in an empty one where the system allows it.
//
// Manager is the parent's side, Child the other one.
package hosted
