package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// dialect is everything in which databases differ.
type dialect struct {
	name  Driver
	goose goose.Dialect
	// migrations is the folder of its migrations.
	migrations string
	// numbered has placeholders written $1, $2 and so on.
	numbered bool
	// prepared has statements prepared once for each connection, where the driver
	// does not see to that itself.
	prepared bool
	// ignoreTaken ends an INSERT of a row that may be there already: it then affects
	// no row. Empty where a database cannot say that; then it fails as taken.
	ignoreTaken string
	// spend spends assertions, given all their digests and all their expiries, and reads
	// the digests of those that were not spent before. Empty where no one statement does.
	spend string
	// tableCount counts the tables with a given name.
	tableCount string
	// state reads the revision, the database's clock in milliseconds (0 for this
	// machine's own), and 1 if it cannot be written to.
	state string
	// hello reads the latter two before there are tables.
	hello string
	// patience is how long a statement may take, and transaction how long a
	// transaction; 0 is as long as its context.
	patience, transaction time.Duration
	// patient has the server wait for a transaction as long as it takes; impatient undoes
	// that where it would outlive the transaction. Both may be empty.
	patient, impatient string
	// fault tells what an error from the database means.
	fault func(error) fault
	// hint names the variables to look at when connecting fails; empty if none stands
	// out. passes reports whether that may pass by itself.
	hint func(error) (look string, passes bool)
	// resumeAudit has the events that come number themselves after those that are there,
	// where the database does not see to that itself.
	resumeAudit string
	// lock takes the lock of the whole installation for a connection, if it can within
	// some seconds, and tells 1 if so; unlock gives it back.
	lock, unlock string
}

// fault is what an error means for who asked.
type fault int

// The kinds of fault.
const (
	faultOther    fault = iota // the statement is wrong, or something unforeseen
	faultTaken                 // a unique key exists already
	faultAway                  // the database cannot be used now
	faultCut                   // the connection broke; another one may do
	faultReadOnly              // it can be read only: it is not, or no more, the primary
	faultRetry                 // a transaction was sacrificed for another and can be tried again
)

// rebind writes the placeholders of a query as the database reads them.
func (d *dialect) rebind(query string) string {
	if !d.numbered {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}
