//go:build !linux

package argon2

func allocate(bytes int) []byte { return make([]byte, bytes) }

func deallocate(memory []byte) { clear(memory) }

func aside(work func()) { work() }
