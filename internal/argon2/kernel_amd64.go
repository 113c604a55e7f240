package argon2

import "golang.org/x/sys/cpu"

// hasKernel reports whether this machine can run the kernel. Elsewhere hashes are computed
// by golang.org/x/crypto/argon2.
var hasKernel = cpu.X86.HasAVX2

// compress sets out, or with xor adds to it, G(prev, ref) (RFC 9106 section 3.5). out may
// be prev.
func compress(out, prev, ref, scratch *block, xor bool) { compressAVX2(out, prev, ref, scratch, xor) }
