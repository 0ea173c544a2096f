// Package bench puts load on an MQTT broker, any broker, and measures it: messages a second and a CPU-second, latency,
// memory, and what was lost, doubled or out of order. It is `tsunagi bench`.
//
// The loop is closed: each publisher has a window of messages that have not arrived yet, and the goroutine that sees
// one arrive sends the next. So a broker is loaded as far as it can follow, never further, and the generator writes as
// many messages at once as it has just read. That keeps it cheaper than what it measures.
package bench
