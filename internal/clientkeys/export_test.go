package clientkeys

import "net/netip"

const (
	MaxPlaces  = maxPlaces
	MaxFetches = maxFetches
)

// MayReach reports whether an address may be connected to over http or https.
func (f *Fetcher) MayReach(scheme string, a netip.Addr) bool { return f.mayReach(scheme, a) }

// Places counts the URLs that are known.
func (f *Fetcher) Places() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.places)
}

// Occupy takes all places of requests on their way.
func (f *Fetcher) Occupy() (leave func()) {
	for range maxFetches {
		f.slots <- struct{}{}
	}
	return func() {
		for range maxFetches {
			<-f.slots
		}
	}
}

// ReadSet reads an answer.
func ReadSet(body []byte) (set Set, secrets int, err error) {
	f, err := readSet(body)
	return f.set, f.secrets, err
}
