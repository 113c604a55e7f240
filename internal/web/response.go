package web

import "net/http"

// response remembers what was sent.
type response struct {
	http.ResponseWriter
	event *event
	// bodiless reports whether net/http drops the body, for HEAD.
	bodiless bool
	status   int
	bytes    int64
}

// Unwrap serves http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader passes the first final status on and ignores others.
func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= http.StatusOK {
		w.status = status
		for name, value := range w.event.limit {
			w.Header().Set(name, value)
		}
		w.event.leave() // from here on it may be the caller who is slow
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	if !w.bodiless {
		w.bytes += int64(n)
	}
	return n, err
}
