package web

import "strings"

// forwardedHops returns the "for" of each element of a Forwarded field (RFC 7239
// section 4), in order. Obfuscated identifiers and "unknown" (sections 6.2 and
// 6.3) come as they are, and are no addresses. A line with a fault is one element
// that says nothing: what a caller has broken, perhaps by a quote that does not
// end, hides what proxies have added to it, and must not be guessed at.
func forwardedHops(lines []string) []string {
	var hops []string
	for _, line := range lines {
		elements, ok := forwardedLine(line)
		if !ok {
			elements = []string{""}
		}
		hops = append(hops, elements...)
	}
	return hops
}

// forwardedLine reads one line; ok is false for what RFC 7239 does not allow. An
// element without "for" is "".
func forwardedLine(line string) (hops []string, ok bool) {
	hop, found := "", false
	for {
		name, rest, hasValue := strings.Cut(strings.TrimLeft(line, " \t"), "=")
		value, after, good := forwardedValue(rest)
		isFor := strings.EqualFold(name, "for")
		if !hasValue || !token(name) || !good || isFor && found {
			return nil, false
		}
		if isFor {
			hop, found = value, true
		}
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return append(hops, hop), true
		}
		switch after[0] {
		case ',':
			hops = append(hops, hop)
			hop, found = "", false
		case ';':
		default:
			return nil, false
		}
		line = after[1:]
	}
}

// forwardedValue reads a token or a quoted string (RFC 9110 section 5.6.4) from
// the beginning of text.
func forwardedValue(text string) (value, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, " \t,;")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], token(text[:end])
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// token reports whether s is a token (RFC 9110 section 5.6.2). An address with its
// port is none, and must be quoted; that many proxies do not is let pass.
func token(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~" + ":[]"
	return s != "" && strings.Trim(s, allowed) == ""
}
