// Package link joins a flow server at home (the device) to the platform: pairing, and a tunnel in which the platform
// reaches the device's editor though nothing is opened in the home's firewall.
//
// The device holds one outgoing WebSocket over TLS at /link. Both sides prove who they are by signing what the other
// drew (see wire.go), then the connection is cut into streams by yamux. The platform opens streams for HTTP requests to
// the editor and for notices; the device opens streams for questions: who a single-use code stands for, whether a
// session in the panel still holds. Nobody's request reaches a device unless the browser was let in by a code that the
// panel gave to the device's owner; the device then asks for the owner's code once more, for itself.
//
// Hub is the platform's side, Client the device's.
package link
