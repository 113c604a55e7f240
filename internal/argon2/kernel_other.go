//go:build !amd64

package argon2

const hasKernel = false

func compress(_, _, _, _ *block, _ bool) { panic("argon2: there is no kernel") }
