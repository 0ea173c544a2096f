// Package postgres keeps accounts in PostgreSQL, for machines whose own disk does not last. Tables and queries are those
// of package rows, translated; messages stay in the embedded store.
//
// # How texts are kept
//
// Every text is a bytea column: names, topics and user agents may hold any byte, PostgreSQL's text refuses some of them,
// and its collations would order names unlike the embedded store. In psql, convert_from(name, 'UTF8') shows one.
//
// # One server at a time
//
// The program holds an advisory lock for as long as it runs, since each copy believes that nobody else changes accounts.
// A second one waits for a while, which is what a rolling restart needs, and gives up. A pooler between them must keep
// sessions.
//
// # Updates
//
// An Update takes another advisory lock first, so that updates don't overlap, and puts each write below a savepoint,
// because a refused one spoils a transaction otherwise.
package postgres
