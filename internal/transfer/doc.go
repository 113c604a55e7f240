// Package transfer writes the whole state of an installation as one export, and fills an
// empty database of any kind with one. It hides the format, and holds no more of an
// export in memory than a batch of rows.
//
// # The format
//
// An export is lines of JSON, each ended by a line feed:
//
//	{"format":"identity-export","version":1,"schema":2,"made_at":"2026-01-02T03:04:05.678Z"}
//	{"table":"users","row":{"id":"…","username":"ann",…}}
//	{"rows":{"audiences":0,…},"sha256":"…"}
//
// The first says what this is: schema is the version of the database schema. Then follows
// a line for each row, with every column by its name: integers are numbers, text is text
// and bytes are base64. Tables come in the order of store.StateTables, rows in that of
// their keys, so that the same state gives the same lines whatever the database. The last
// line counts the rows of each table and has the SHA-256, in hexadecimal, of all lines
// before it.
//
// # Promises
//
// An export shows the state at one moment. It is filled in whole or not at all: what is
// damaged, cut off, appended to, newer or for another schema leaves the database as it
// was. Secrets stay as they are stored, hashed or sealed under the ENCRYPTION_KEY, which is
// in no export. The checksum tells damage; it is no signature, and an export is to be
// kept like the database itself.
package transfer
