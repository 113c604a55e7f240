package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

// sealedStatus says what is sealed under which encryption key.
type sealedStatus struct {
	// Keys are all that are listed, the first one first, and then those that are missing.
	Keys []encryptionKeyStatus `json:"encryption_keys"`
	// OthersNeeded reports whether a key beside the first one is still needed.
	OthersNeeded bool `json:"others_needed"`
	// Rewrapped is how many values were put under the first key just now; nil where that
	// was not tried.
	Rewrapped *int `json:"rewrapped,omitempty"`
}

// encryptionKeyStatus is one encryption key and what is sealed under it.
type encryptionKeyStatus struct {
	ID string `json:"id"`
	// Listed is "first", "also", "missing" for one that ENCRYPTION_KEY does not have, or "-"
	// for what is too damaged to name its key.
	Listed string `json:"listed"`
	// Values is how many values are sealed under it.
	Values int `json:"values"`
	// Damaged are those of them that do not open, though the key is listed.
	Damaged []damagedValue `json:"damaged"`
}

type damagedValue struct {
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

const (
	listedFirst = "first"
	listedAlso  = "also"
	listedNot   = "missing"
	listedNone  = "-" // where the damage is such that no key is named
)

// sealedStatusOf sorts the values by their keys.
func sealedStatusOf(ring *keyring.Ring, values []keyring.Sealed) sealedStatus {
	first := ring.EncryptionKey()
	status := sealedStatus{Keys: []encryptionKeyStatus{{ID: first, Listed: listedFirst, Damaged: []damagedValue{}}}}
	of := func(id, listed string) *encryptionKeyStatus {
		i := slices.IndexFunc(status.Keys, func(k encryptionKeyStatus) bool { return k.ID == id })
		if i < 0 {
			i = len(status.Keys)
			status.Keys = append(status.Keys, encryptionKeyStatus{ID: id, Listed: listed, Damaged: []damagedValue{}})
		}
		return &status.Keys[i]
	}
	for _, id := range slices.Sorted(slices.Values(ring.EncryptionKeys())) {
		of(id, listedAlso)
	}
	for _, v := range values {
		listed := listedNot
		if v.EncryptionKey == "" {
			listed = listedNone
		}
		key := of(v.EncryptionKey, listed)
		key.Values++
		status.OthersNeeded = status.OthersNeeded || key.Listed == listedAlso || key.Listed == listedNot
		if v.Fault != nil && key.Listed != listedNot {
			key.Damaged = append(key.Damaged, damagedValue{v.Title, v.Fault.Error()})
		}
	}
	return status
}

// print shows the status, and says what follows from it. It is an error where a key is
// missing or something is damaged, and where rewrapping was tried and another key than the
// first is still needed.
func (s sealedStatus) print(p *program, format string) error {
	rows := make([][]string, len(s.Keys))
	damaged, missing := 0, 0
	for i, k := range s.Keys {
		rows[i] = []string{k.ID, k.Listed, fmt.Sprint(k.Values), fmt.Sprint(len(k.Damaged))}
		for _, d := range k.Damaged {
			fmt.Fprintf(p.stderr, "Damaged, under %s: %s: %s\n", k.ID, plain(d.Value), plain(d.Reason))
		}
		damaged += len(k.Damaged)
		if k.Listed == listedNot {
			missing += k.Values
		}
	}
	if err := printTable(p.stdout, format, s, "ENCRYPTION_KEY LISTED VALUES DAMAGED", rows); err != nil {
		return err
	}
	said := s.conclusion(missing, damaged)
	if s.Rewrapped != nil {
		fmt.Fprintf(p.stderr, "Values rewrapped: %d.\n", *s.Rewrapped)
	}
	if missing > 0 || damaged > 0 || s.Rewrapped != nil && s.OthersNeeded {
		return errors.New(said)
	}
	fmt.Fprintln(p.stderr, said)
	return nil
}

// conclusion says whether keys can be left out.
func (s sealedStatus) conclusion(missing, damaged int) string {
	switch {
	case missing > 0:
		return fmt.Sprintf("%d values are sealed under a key that ENCRYPTION_KEY does not list: put that key back; without it no service starts.", missing)
	case s.OthersNeeded && damaged > 0:
		return "No key can be left out: what is damaged names its key too. docs/runbook.md says what to do about it."
	case s.OthersNeeded:
		return "No key can be left out yet: \"identity key rewrap\" puts everything under the first one."
	case damaged > 0:
		return "Everything is under the first key, but something is damaged; docs/runbook.md says what to do about it."
	case len(s.Keys) > 1:
		return "Everything is under the first key. The others can be left out, once every node lists this one first."
	}
	return "Everything is under the one key that is listed."
}
