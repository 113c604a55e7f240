package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// fault is something that goes wrong for a while.
type fault struct {
	name        string
	begin, over func()
}

// faults are those that the database of this world has.
func (w *world) faults() []fault {
	victim := w.nodes[1]
	list := []fault{
		{"a node is killed", victim.Kill, func() {
			if err := victim.Restart(); err != nil {
				w.Error(err)
			}
		}},
		{"a node is stopped", func() { w.signal(victim, syscall.SIGSTOP) }, func() { w.signal(victim, syscall.SIGCONT) }},
	}
	if w.server == nil {
		return list
	}
	return append(list,
		fault{"the database crashes", func() { w.server.StopImmediate(w) }, func() { w.server.Start(w) }},
		fault{"the database hangs", func() { w.server.Pause(w) }, func() { w.server.Resume(w) }},
		fault{"connections are cut", w.proxy.Cut, func() {}},
		fault{"the network hangs", func() { w.proxy.Hang(true) }, func() { w.proxy.Hang(false) }},
		fault{"the network is slow", func() { w.proxy.Delay(200 * time.Millisecond) }, func() { w.proxy.Delay(0) }},
		fault{"answers are lost", func() { w.proxy.OnRequest(faults.Every(3, faults.IsCommit, faults.CutReply)) }, func() { w.proxy.OnRequest(nil) }},
	)
}

// hurt makes faults, one at a time, until ctx ends. When it returns none is left.
func (w *world) hurt(ctx context.Context, dice *rand.Rand, r *report) (found []faults.Violation) {
	for list := w.faults(); sleep(ctx, between(dice, w.every/2, w.every*3/2)); {
		f := list[dice.IntN(len(list))]
		f.begin()
		sleep(ctx, between(dice, w.longest/10, w.longest))
		f.over()
		took, err := w.ready()
		if err != nil {
			found = append(found, violation("after %s: %v", f.name, err))
		}
		r.hurt(f.name, took)
	}
	return found
}

func (w *world) signal(p *faults.Process, s syscall.Signal) {
	if err := p.Signal(s); err != nil {
		w.Error(err)
	}
}

// between is a duration by chance.
func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)+1))
}

// sleep reports whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
