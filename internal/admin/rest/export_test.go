package rest

// Cursor makes the cursor of a page that ends with a key.
func Cursor(list, last string) string { return cursor(list, last) }

// ReadCursor reads one.
func ReadCursor(list, text string) (after string, ok bool) { return readCursor(list, text) }
