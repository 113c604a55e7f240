// Command _asm generates the kernel of Argon2 for AVX2: the compression function G of RFC
// 9106 section 3.5, for package argon2. Run it with go generate there.
//
// The 128 words of a block are eight rows of sixteen. The permutation P (section 3.6) is
// applied to each row, and then to each of the eight columns of word pairs. Both times two
// of them are worked on at once, so that the multiplier need not wait: a state of 4 by 4
// words is in four registers, and two states are in eight.
package main

import (
	. "github.com/mmcloughlin/avo/build"   //nolint:revive // as avo is meant to be used
	. "github.com/mmcloughlin/avo/operand" //nolint:revive // as avo is meant to be used
	"github.com/mmcloughlin/avo/reg"
)

const (
	register = 32 // bytes
	row      = 4 * register
	rows     = 8
)

func main() {
	ConstraintExpr("amd64")
	right24, right16 := rotation("rotate24", 3), rotation("rotate16", 2)

	TEXT("compressAVX2", 0, "func(out, prev, ref, scratch *[128]uint64, xor bool)")
	Pragma("noescape")
	Doc("compressAVX2 sets out, or with xor adds to it, G(prev, ref). Scratch is overwritten. out may be prev.")
	out, prev, ref, scratch := load("out"), load("prev"), load("ref"), load("scratch")
	xor := Load(Param("xor"), GP8())
	p := permutation{right24: YMM(), right16: YMM(), product: []reg.VecVirtual{YMM(), YMM()}}
	VMOVDQU(right24, p.right24)
	VMOVDQU(right16, p.right16)

	Comment("The rows, two at a time.")
	for pair := range rows / 2 {
		v := make([]reg.VecVirtual, 8)
		for i := range v {
			v[i] = YMM()
			at := pair*2*row + i*register
			VMOVDQU(prev.Offset(at), v[i])
			VPXOR(ref.Offset(at), v[i], v[i])
		}
		p.apply(quarters(v[0:1], v[4:5]), quarters(v[1:2], v[5:6]), quarters(v[2:3], v[6:7]), quarters(v[3:4], v[7:8]), turnRows)
		for i := range v {
			VMOVDQU(v[i], scratch.Offset(pair*2*row+i*register))
		}
	}

	Comment("The columns, two at a time: each register has two words of either.")
	for pair := range rows / 2 {
		v := make([]reg.VecVirtual, rows)
		for i := range v {
			v[i] = YMM()
			VMOVDQU(scratch.Offset(i*row+pair*register), v[i])
		}
		p.apply(v[0:2], v[2:4], v[4:6], v[6:8], turnColumns)
		for i := range v {
			at := i*row + pair*register
			VPXOR(prev.Offset(at), v[i], v[i])
			VPXOR(ref.Offset(at), v[i], v[i])
		}
		keep := "keep" + string(rune('0'+pair))
		TESTB(xor, xor)
		JZ(LabelRef(keep))
		for i := range v {
			VPXOR(out.Offset(i*row+pair*register), v[i], v[i])
		}
		Label(keep)
		for i := range v {
			VMOVDQU(v[i], out.Offset(i*row+pair*register))
		}
	}
	VZEROUPPER()
	RET()
	Generate()
}

func load(parameter string) Mem { return Mem{Base: Load(Param(parameter), GP64())} }

// rotation is the shuffle that rotates each of four words right by so many bytes.
func rotation(name string, bytes int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for word := range register / 8 {
		var order uint64
		for i := range 8 {
			order |= uint64(word%2*8+(i+bytes)%8) << (8 * i)
		}
		DATA(word*8, U64(order))
	}
	return m
}

func quarters(first, second []reg.VecVirtual) []reg.VecVirtual {
	return append(append([]reg.VecVirtual{}, first...), second...)
}

// permutation is P, on two states at once or on the halves of two: a, b, c and d are two
// registers each.
type permutation struct {
	right24, right16 reg.VecVirtual
	product          []reg.VecVirtual
}

// apply mixes columns, turns the diagonals into columns, mixes them, and turns them back.
func (p permutation) apply(a, b, c, d []reg.VecVirtual, turn func(b, c, d []reg.VecVirtual, p permutation, back bool)) {
	p.mix(a, b, c, d)
	turn(b, c, d, p, false)
	p.mix(a, b, c, d)
	turn(b, c, d, p, true)
}

// mix is GB of section 3.6, with additions that multiply.
func (p permutation) mix(a, b, c, d []reg.VecVirtual) {
	p.add(a, b)
	p.rotated(d, a, func(x reg.VecVirtual) { VPSHUFD(U8(0xb1), x, x) }) // by 32
	p.add(c, d)
	p.rotated(b, c, func(x reg.VecVirtual) { VPSHUFB(p.right24, x, x) })
	p.add(a, b)
	p.rotated(d, a, func(x reg.VecVirtual) { VPSHUFB(p.right16, x, x) })
	p.add(c, d)
	for i := range b { // by 63
		VPXOR(c[i], b[i], b[i])
		VPADDQ(b[i], b[i], p.product[i])
		VPSRLQ(U8(63), b[i], b[i])
		VPXOR(p.product[i], b[i], b[i])
	}
}

// add is x = x + y + 2 lo(x) lo(y).
func (p permutation) add(x, y []reg.VecVirtual) {
	for i := range x {
		VPMULUDQ(x[i], y[i], p.product[i])
	}
	for i := range x {
		VPADDQ(y[i], x[i], x[i])
		VPADDQ(p.product[i], p.product[i], p.product[i])
	}
	for i := range x {
		VPADDQ(p.product[i], x[i], x[i])
	}
}

func (p permutation) rotated(x, y []reg.VecVirtual, rotate func(reg.VecVirtual)) {
	for i := range x {
		VPXOR(y[i], x[i], x[i])
	}
	for i := range x {
		rotate(x[i])
	}
}

// turnRows moves the words of b, c and d by one, two and three places.
func turnRows(b, c, d []reg.VecVirtual, _ permutation, back bool) {
	one, three := U8(0x39), U8(0x93)
	if back {
		one, three = three, one
	}
	for i := range b {
		VPERMQ(one, b[i], b[i])
		VPERMQ(U8(0x4e), c[i], c[i])
		VPERMQ(three, d[i], d[i])
	}
}

// turnColumns does the same where a register has two words of either state, so that the
// four words of a state are in two registers.
func turnColumns(b, c, d []reg.VecVirtual, p permutation, back bool) {
	next := func(x []reg.VecVirtual) { // by one place
		VPALIGNR(U8(8), x[0], x[1], p.product[0])
		VPALIGNR(U8(8), x[1], x[0], x[1])
		VMOVDQA(p.product[0], x[0])
	}
	last := func(x []reg.VecVirtual) { // by three places
		VPALIGNR(U8(8), x[0], x[1], p.product[0])
		VPALIGNR(U8(8), x[1], x[0], x[0])
		VMOVDQA(p.product[0], x[1])
	}
	if back {
		next, last = last, next
	}
	next(b)
	c[0], c[1] = c[1], c[0]
	last(d)
}
