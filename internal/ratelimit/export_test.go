package ratelimit

// Known returns how many sources are remembered.
func Known(l *Limiter) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sources)
}

// Cap sets how many sources are remembered.
func Cap(l *Limiter, most int) { l.most = most }
