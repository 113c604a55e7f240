package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// plot is a chart of lines over a logarithmic axis of how many ask at once.
type plot struct {
	title, y string
	lines    []line
	log      bool // the other axis too
}

type line struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// What a plot measures, in pixels.
const (
	plotWidth, plotHeight = 640, 360
	plotLeft, plotRight   = 70, 170
	plotTop, plotBottom   = 40, 45
)

// colours can be told apart by those who do not see all of them, and on dark too.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"}

// svg draws the plot.
func (p plot) svg() string {
	xs, ys := p.ticks()
	x := scale(xs[0], xs[len(xs)-1], plotLeft, plotWidth-plotRight, true)
	y := scale(ys[0], ys[len(ys)-1], plotHeight-plotBottom, plotTop, p.log)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", plotWidth, plotHeight)
	text(&b, plotLeft, 20, "start", p.title)
	text(&b, plotLeft-60, plotTop-8, "start", p.y)
	text(&b, (plotLeft+plotWidth-plotRight)/2, plotHeight-8, "middle", "connections that ask at once")
	for _, tick := range xs {
		fmt.Fprintf(&b, `<path d="M%.1f %d V%d" stroke="#dddddd"/>`+"\n", x(tick), plotTop, plotHeight-plotBottom)
		text(&b, x(tick), plotHeight-plotBottom+16, "middle", short(tick))
	}
	for _, tick := range ys {
		fmt.Fprintf(&b, `<path d="M%d %.1f H%d" stroke="#dddddd"/>`+"\n", plotLeft, y(tick), plotWidth-plotRight)
		text(&b, plotLeft-6, y(tick)+4, "end", short(tick))
	}
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		var path strings.Builder
		for n, at := range l.points {
			fmt.Fprintf(&path, "%s%.1f %.1f ", map[bool]string{true: "M", false: "L"}[n == 0], x(at.x), y(at.y))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(at.x), y(at.y), colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(path.String()), colour)
		fmt.Fprintf(&b, `<path d="M%d %d h18" stroke="%s" stroke-width="2"/>`+"\n", plotWidth-plotRight+10, plotTop+10+20*i, colour)
		text(&b, plotWidth-plotRight+34, float64(plotTop+14+20*i), "start", l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func text(b *strings.Builder, x, y float64, anchor, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#333333">%s</text>`+"\n", x, y, anchor, html.EscapeString(s))
}

// scale maps a range of values to one of pixels.
func scale(low, high, from, to float64, log bool) func(float64) float64 {
	of := func(v float64) float64 { return v }
	if log {
		of = math.Log
	}
	span := max(of(high)-of(low), 1e-9)
	return func(v float64) float64 { return from + (of(v)-of(low))/span*(to-from) }
}

// ticks are the marks of both axes.
func (p plot) ticks() (xs, ys []float64) {
	least, most := math.Inf(1), 0.0
	for _, l := range p.lines {
		for _, at := range l.points {
			if !slices.Contains(xs, at.x) {
				xs = append(xs, at.x)
			}
			least, most = min(least, at.y), max(most, at.y)
		}
	}
	slices.Sort(xs)
	if p.log {
		for tick := math.Pow(10, math.Floor(math.Log10(least))); tick < most*10; tick *= 10 {
			ys = append(ys, tick)
		}
		return xs, ys
	}
	step := math.Pow(10, math.Floor(math.Log10(most)))
	for most/step < 4 {
		step /= 2
	}
	for tick := 0.0; tick < most+step; tick += step {
		ys = append(ys, tick)
	}
	return xs, ys
}

// short is a number as an axis has it.
func short(n float64) string {
	if n >= 1000 {
		return fmt.Sprintf("%gk", n/1000)
	}
	return fmt.Sprintf("%g", n)
}
