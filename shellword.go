package identity

import "strings"

// Argument is a name as the last argument of a command that somebody may copy into a shell: a
// name can have characters that mean something there, or begin like a flag.
func Argument(name string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-"
	flags := ""
	if strings.HasPrefix(name, "-") {
		flags = "-- "
	}
	if name == "" || strings.Trim(name, plain) != "" {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return flags + name
}
