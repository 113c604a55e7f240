package breach

// Listed reads an answer.
func Listed(body []byte, suffix string) (bool, error) { return listed(body, suffix) }

// RequestURL is what a prefix is appended to.
func RequestURL(text string) string {
	base, _ := parseURL(text)
	return base
}
