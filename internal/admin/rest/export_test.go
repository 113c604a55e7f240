package rest

import "net/http"

// Cursor makes the cursor of a page that ends with a key.
func Cursor(list, last string) string { return cursor(list, last) }

// ReadCursor reads one.
func ReadCursor(list, text string) (after string, ok bool) { return readCursor(list, text) }

// ReadIdempotencyKey reads the header of a request.
func ReadIdempotencyKey(r *http.Request) (key string, given bool, err error) {
	return readIdempotencyKey(r)
}
