// Package rows is what every SQL store of accounts shares: the tables, how each type of package account is kept in
// its own, and all queries. An engine brings a Conn, transactions and its version of the migrations.
//
// # A new row
//
//  1. Its type, its methods of Reader and what it belongs to, in internal/account.
//  2. Its table, as a new file in migrations. The SQL is SQLite's; internal/store/postgres translates types, and takes
//     nothing that stands between StatementBegin and StatementEnd (triggers): those it has in files of its own.
//  3. Its entity and its queries here, a case in transaction.one, and its line in Verify where rights depend on it.
//  4. Its place in storetest (world, and a delete with what is below). Both engines run that suite; nothing else is
//     needed for them, nor for moving accounts from one to the other.
//
// Queries keep to what both engines know: "on conflict", not "insert or ignore"; no functions of one of them besides
// instr and substr, which postgres has for bytes. Times are microseconds since 1970, so no engine's clock is asked.
package rows

import (
	"embed"
	"io/fs"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the steps that bring the tables up to date, in SQLite's SQL.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil { // only when the name is no valid path
		panic(err)
	}
	return sub
}
