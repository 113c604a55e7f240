package main

import (
	"cmp"
	"math"
	"slices"
)

// rankTest is the two-sided Mann-Whitney test (Wilcoxon's rank-sum test) by its normal
// approximation, with the corrections for ties and for continuity. It returns the
// statistic U of a, which is the number of pairs of an element of a and one of b in which
// a's is the greater, ties being half a pair, and the probability of a U as far from its
// mean if both were drawn from the same distribution. With ten or more on each side the
// approximation is good to two digits; either side empty, or all elements the same, is
// p = 1: nothing speaks for a difference.
func rankTest[T cmp.Ordered](a, b []T) (u, p float64) {
	type element struct {
		value T
		ofA   bool
	}
	all := make([]element, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, element{v, true})
	}
	for _, v := range b {
		all = append(all, element{v, false})
	}
	slices.SortFunc(all, func(x, y element) int { return cmp.Compare(x.value, y.value) })
	var rankSum, ties float64
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].value == all[from].value {
			to++
		}
		rank := float64(from+to+1) / 2 // the mean of the ranks from+1 to to
		for _, e := range all[from:to] {
			if e.ofA {
				rankSum += rank
			}
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	na, nb := float64(len(a)), float64(len(b))
	n := na + nb
	u = rankSum - na*(na+1)/2
	variance := na * nb / 12 * (n + 1 - ties/(n*(n-1)))
	if !(variance > 0) { // NaN, where there is nothing
		return u, 1
	}
	z := max(0, math.Abs(u-na*nb/2)-0.5) / math.Sqrt(variance)
	return u, math.Erfc(z / math.Sqrt2)
}

// median is the middle of a list, or the mean of the two in the middle; it sorts it.
func median(list []float64) float64 {
	slices.Sort(list)
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}
