// Package account holds who may do what: people's accounts and browser sessions, instances with their plans and
// regions, MQTT users and their ACL rules, invitations, hosted flow servers, the log of each instance and the audit.
//
// Service changes these things under their rules; Directory answers the broker's questions from memory; Journal keeps
// the log lines. All three stand on one Store. The package knows no sockets, no HTTP and no SQL.
package account
