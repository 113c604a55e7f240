package audit

import "github.com/seed-60f9e3ad/identity"

// Pending hands over what was taken to be stored and is not known to be.
func (r *Recorder) Pending(use func([]identity.Event)) {
	r.storing.Lock()
	defer r.storing.Unlock()
	use(r.pending)
}
