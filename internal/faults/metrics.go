package faults

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metrics asks the process how it is, at /metrics, and returns the metrics by their names,
// with the labels as they are written there: "go_goroutines", and on Linux
// "process_open_fds" and "process_resident_memory_bytes". PORT serves them where there is
// no OPS_PORT.
func (p *Process) Metrics(ctx context.Context) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := p.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics: %s", response.Status)
	}
	found := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line := lines.Text()
		space := strings.LastIndexByte(line, ' ')
		if value, err := strconv.ParseFloat(line[space+1:], 64); err == nil && space > 0 && line[0] != '#' {
			found[line[:space]] = value
		}
	}
	return found, lines.Err()
}
