// Package broker is one MQTT broker for one instance: sessions, QoS, queues, wills, expiry, retained messages.
// It knows no sockets and no SQL: bytes come in through Client.Handle, leave through Outbox, and what must survive
// goes to a Store through the Committer.
//
// # The rooms
//
// Handle decodes (room 2) and calls admit (3: alias, validity, limits, access list, QoS state, in that order). What is
// accepted goes to route (4) at once, or waits for the Committer when it is owed to a session that may be away, is to be
// retained, or comes behind such a message of the same publisher. route takes the receivers from a cache that holds until
// a subscription changes, encodes the message once for each kind of receiver, and calls deliver (5), which puts it into
// outboxes and queues and marks the clients it touched in the Turn. Whoever owns the Turn flushes them: room 6, outside.
//
// Consecutive QoS 0 messages to one topic are taken as one range of bytes (run, routeRun, deliverRun): the receivers are
// looked up once, and the bytes are forwarded as they came wherever the receiver speaks the sender's kind of MQTT.
//
// # What is stored
//
// A message that is owed to a persistent session is one record of the log, however many sessions it is owed to. A session
// holds references to it in memory (queue, slots), and in the store a cursor: up to where it is done, but for exceptions.
// At start the log is read once and matched with the subscriptions, each of which holds from the offset at which it began.
// Order of operations in the Committer is the order in which things happen: a batch is built, written, and completed in
// that order, so that what follows from the log after a crash is what happened before it.
//
// # Locks
//
// In this order; whoever holds one takes only later ones:
//
//  1. Broker.lockID of a client id (a CONNECT at work, waits for the store)
//  2. Broker.mu (registry of sessions, counts)
//  3. Session.mu (one session; never two)
//  4. Broker.groupsMu, then group.mu (one group)
//  5. Outbox.mu, Committer.mu, and the mutexes of orphans, timers, cursors, backlog, bodyCache and matchCache, and those inside
//     topic.Tree and topic.Retained: none of them is held while another lock is taken, but for timers' and cursors'
//     when they set their timer
//
// No lock is held during a write to the store or to a socket, except that Outbox.Flush calls its write, which must not
// block, with the outbox locked. Options.Events and the methods of Rights are called with locks held: they neither block
// nor call the broker. Options.Rights may read from the store; at most the lock of the session that it is asked for is
// held meanwhile. Link.Flush is called without locks; Link.Close may come with Session.mu held and must not call back.
package broker
