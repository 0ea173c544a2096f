// Package bridge carries messages between an instance and another broker, in both directions, with other topics on
// each side.
//
// A bridge is a pipe of packets between two sessions: its own persistent session of the local broker, whose stored queue
// is the durable outbox, and a persistent session of the remote broker. It keeps no messages and no packet identifiers
// itself: a PUBLISH goes to the other side under the identifier that it came with, and its acknowledgements come back
// from there. So what is acknowledged to one broker is the other's already, and whatever ends in the middle (a
// connection, this process, either broker) is taken up again by the two sessions: QoS 1 at least once, QoS 2 exactly
// once, in order, as long as both sessions last.
//
// A message doesn't go back to where it came from: No Local in 5.0, Mosquitto's bridge bit in 3.1.1, and a user property
// (ViaProperty) with the brokers that it has been at, against longer ways round.
package bridge
