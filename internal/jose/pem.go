package jose

import (
	"bytes"
	"encoding/pem"
)

// maxKeyText is the most bytes that a key in PEM or JWK form may have; an
// RSA-8192 private key takes 6.4 KiB.
const maxKeyText = 16 << 10

// firstPEM decodes the PEM block at the start of text, and returns what begins
// with the next one. Unlike pem.Decode it skips nothing: only white space may
// stand around a block.
func firstPEM(text []byte) (block *pem.Block, rest []byte, ok bool) {
	begin := []byte("-----BEGIN ")
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, begin) {
		return nil, nil, false
	}
	if next := bytes.Index(text[1:], begin); next >= 0 {
		text, rest = text[:1+next], text[1+next:]
	}
	block, tail := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(tail)) > 0 {
		return nil, nil, false
	}
	return block, rest, true
}
