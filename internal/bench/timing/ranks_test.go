package main

import (
	"math"
	"testing"
)

func TestRankTest(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b []float64
		u, p float64
	}{
		// The example in SciPy's documentation of mannwhitneyu, with its answer.
		{"SciPy", []float64{19, 22, 16, 29, 24}, []float64{20, 11, 17, 12}, 17, 0.11134688653314041},
		{"the other way around", []float64{20, 11, 17, 12}, []float64{19, 22, 16, 29, 24}, 3, 0.11134688653314041},
		// By hand: ranks 1.5 1.5 3 and 4.5 4.5 6, U = 0, ties 6+6, variance 9/12*(7-12/30) = 4.95.
		{"ties", []float64{1, 1, 2}, []float64{3, 3, 4}, 0, math.Erfc(4 / math.Sqrt(4.95) / math.Sqrt2)},
		// By hand: all of one rank on both sides, U at its mean.
		{"ties across", []float64{1, 2, 2, 3}, []float64{1, 2, 2, 3}, 8, 1},
		{"all the same", []float64{5, 5}, []float64{5, 5, 5}, 3, 1},
		{"nothing", nil, []float64{1}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if u, p := rankTest(c.a, c.b); u != c.u || math.Abs(p-c.p) > 1e-12 {
				t.Errorf("U %v, p %v, want %v and %v", u, p, c.u, c.p)
			}
		})
	}
}

// The approximation against the truth: the share of all ways to deal out the ranks of
// which U is as far from its mean.
func TestRankTestAgainstAllPermutations(t *testing.T) {
	const n = 8
	var values [2 * n]float64
	for i := range values {
		values[i] = float64(i/2 + i%3) // some ties
	}
	type found struct{ u, p float64 }
	var all []found
	for chosen := range 1 << len(values) {
		var a, b []float64
		for i, v := range values {
			if chosen>>i&1 == 1 {
				a = append(a, v)
			} else {
				b = append(b, v)
			}
		}
		if len(a) == n {
			u, p := rankTest(a, b)
			all = append(all, found{u, p})
		}
	}
	const mean = n * n / 2
	as := map[float64]int{} // by the distance from the mean
	for _, f := range all {
		as[math.Abs(f.u-mean)]++
	}
	for distance := range as {
		further := 0
		for other, count := range as {
			if other >= distance {
				further += count
			}
		}
		exact := float64(further) / float64(len(all))
		for _, f := range all {
			if math.Abs(f.u-mean) == distance {
				most := 0.03 // in the middle, where it decides nothing
				if exact < 0.1 {
					most = 0.015
				}
				if math.Abs(f.p-exact) > most {
					t.Errorf("U %v: p %.4f, want %.4f", f.u, f.p, exact)
				}
				break
			}
		}
	}
}

func TestMedian(t *testing.T) {
	if odd, even := median([]float64{3, 1, 2}), median([]float64{4, 1, 3, 2}); odd != 2 || even != 2.5 {
		t.Errorf("medians %v and %v", odd, even)
	}
}
