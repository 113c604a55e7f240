package argon2

//go:generate go -C _asm run . -out ../block_amd64.s -stubs ../block_amd64.go -pkg argon2

// block is what Argon2's memory is made of (RFC 9106 section 3.1): 1 KiB, in words of 64
// bits.
type block = [128]uint64

const blockSize = 1024 // bytes
