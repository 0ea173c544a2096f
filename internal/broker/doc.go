// Package broker is one MQTT broker for one instance: sessions, QoS, queues, wills, expiry, retained messages.
// It knows no sockets and no SQL: bytes come in through Client.Handle, leave through Outbox, and what must survive
// goes to a Store through the Committer.
package broker
