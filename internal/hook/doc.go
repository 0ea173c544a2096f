// Package hook carries out an instance's webhooks and rules: what they are told of goes out as an HTTP POST, to another
// topic, or as mail.
//
// A hook is a client of its instance with a persistent session, whose stored queue is what it owes: a message is
// acknowledged to it when the receiver has it, or when it is stored as a dead letter. So whatever ends in the middle (the
// process, the receiver) is taken up again: QoS 1 and 2 messages are delivered at least once. Each has an id that is the
// same whenever it is tried again, over restarts as well, by which receivers leave out what they have.
//
// That clients come and go is published by the server on topics of $SYS/events/, to which such hooks are subscribed.
package hook
