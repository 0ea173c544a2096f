// Package sqlite is the embedded store: one data directory with two SQLite files, so that the panel never waits for
// the hot path. messages.db keeps what brokers must not lose (broker.Store), accounts.db keeps accounts and all that
// belongs to them (account.Store). Both are ordinary files that any SQLite tool can open, copy and repair.
//
// # What is on disk, and when
//
// Both files are in WAL mode with synchronous=FULL: a write that returned has been synced. The log of messages is one
// row for each group commit (cut at 64 KiB), see block.go; retained messages, sessions, subscriptions, cursors and
// packet identifiers are rows of their own, written in the same transaction. Every block and every row carries a
// CRC-32C, because SQLite's pages carry none.
//
// # Who may do what, locks
//
// One connection for each file writes, under database.mu. Reads take small steps on a few other connections under
// database.gate (shared), so that the write-ahead log can start over. Lock order: mu before gate. No lock is held
// while a caller's function runs, other than in Accounts, where View and Update run one inside their transaction.
//
// # Faults
//
// A full disk is broker.ErrStoreFull: nothing of that write was kept, the next may succeed. A sync that failed is
// broker.ErrStoreFailed for good: dirty pages may be gone, so the process has to start again. A checksum that is wrong
// or an offset that is missing is broker.ErrStoreCorrupt.
package sqlite
