package doctor

import (
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

const (
	skewed   = 2 * time.Second // what nodes and verifiers may disagree by
	slowHash = 500 * time.Millisecond
	// longWait is for a connection to the database, on average.
	longWait = 50 * time.Millisecond
	// lowDisk is in bytes, and few is a part of the whole.
	lowDisk, few = 1 << 30, 20
	unsealedFor  = time.Hour
)

// machine judges what the service runs on.
func (e *examination) machine(f Facts) {
	e.issuer(f.Configuration.Issuer)
	if f.ClockOffset.Abs() >= skewed {
		e.add(Care, "clock.skew", "", fmt.Sprintf("The database's clock is %s of this machine's.", apart(f.ClockOffset)), "Have both machines keep their time by NTP.")
	}
	if f.Hash > slowHash {
		e.add(Care, "hash.slow", "", fmt.Sprintf("One password hash takes %d ms on this machine: it does %d logins a second.", f.Hash.Milliseconds(), max(1, int(time.Duration(f.HashSlots)*time.Second/f.Hash))),
			"Give it more or faster cores.")
	}
	if f.HashSlots < f.Cores {
		e.add(Note, "hash.memory", "", fmt.Sprintf("There is memory for %d hashes at once, and there are %d cores.", f.HashSlots, f.Cores), "Raise HASH_MEMORY.")
	}
	if c := f.Connections; c.Limit > 1 && c.InUse >= c.Limit {
		e.add(Care, "database.busy", "", fmt.Sprintf("All %d connections to the database are in use.", c.Limit), "Raise DATABASE_CONNECTION_POOL_SIZE, and look at what makes the database slow.")
	} else if c.Waits > 0 && c.Waited/time.Duration(c.Waits) > longWait {
		e.add(Note, "database.waits", "", fmt.Sprintf("Connections to the database were waited for %d times, for %d ms on average.", c.Waits, (c.Waited/time.Duration(c.Waits)).Milliseconds()),
			"Raise DATABASE_CONNECTION_POOL_SIZE.")
	}
	if d := f.Disk; d != nil && (d.Free < lowDisk || d.Free < d.Total/few) {
		e.add(Care, "disk.low", "", fmt.Sprintf("%d MiB of %d MiB are free where the database is.", d.Free>>20, d.Total>>20), "Make room: when it is full nobody logs in. AUDIT_RETENTION_DAYS bounds the audit.")
	}
	if waits := f.Now.Sub(f.UnsealedSince); !f.UnsealedSince.IsZero() && waits > unsealedFor {
		e.add(Care, "audit.unsealed", "", fmt.Sprintf("Events of the audit have waited for %s to be sealed.", waits.Round(time.Minute)), "A running service seals within a second: see its log for \"audit\".")
	}
}

// issuer judges the name that is in every token.
func (e *examination) issuer(issuer string) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		e.add(Note, "issuer.no_url", issuer, "The issuer is no URL: nobody can find the keys by it.", "identity config set --jwt-issuer https://…, the address under which the service is reached.")
		return
	}
	if u.Scheme == "https" {
		return
	}
	if address, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && address.IsLoopback() {
		e.add(Note, "issuer.local", issuer, "Only this machine can reach the issuer.", "identity config set --jwt-issuer https://…, before others rely on it.")
		return
	}
	e.add(Care, "issuer.plain", issuer, "The issuer is not https: whoever is on the way can change the keys that verifiers fetch.", "Serve TLS (TLS_CERT_FILE, or a proxy), and identity config set --jwt-issuer https://….")
}

func apart(offset time.Duration) string {
	if offset > 0 {
		return fmt.Sprintf("%s ahead", offset.Round(time.Millisecond))
	}
	return fmt.Sprintf("%s behind", (-offset).Round(time.Millisecond))
}

// Discovered is what somebody saw who asked for the discovery document of the issuer, as
// verifiers do.
type Discovered struct {
	// Issuer is the configured one, and From the address that was asked.
	Issuer, From string
	// Err is why there was no document; nil if there was.
	Err error
	// Says is the issuer in the document.
	Says string
	// Missing are the key ids that sign now and are not among the published keys.
	Missing []string
}

// Reach judges what verifiers see of the issuer.
func Reach(d Discovered) []Finding {
	var e examination
	switch {
	case d.Err != nil:
		e.add(Care, "issuer.unreachable", d.From, "Discovery of the issuer cannot be read from here: "+d.Err.Error()+".", "See that the name leads here, that a service runs, and that its certificate is trusted; or that this is the right issuer: identity config show.")
	case d.Says != d.Issuer:
		e.add(Care, "issuer.differs", d.From, fmt.Sprintf("Discovery says that the issuer is %q, and tokens say %q: verifiers refuse them.", d.Says, d.Issuer), "Another installation answers there, or a proxy changes the path: have the address lead here, or set --jwt-issuer to the address.")
	case len(d.Missing) > 0:
		e.add(Care, "issuer.keys", d.From, fmt.Sprintf("The keys that are published there lack one that signs: %v.", d.Missing), "Another installation answers there, or a cache keeps the keys for longer than it is told (Cache-Control).")
	}
	return e.sorted()
}
