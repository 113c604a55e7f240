package main

import (
	"fmt"
	"strings"
)

// tokenFrom is a filter that takes the token out of an answer.
const tokenFrom = `sed 's/.*"token":"\([^"]*\)".*/\1/'`

// refreshFrom is one that takes the refresh token.
const refreshFrom = `sed 's/.*"refresh_token":"\([^"]*\)".*/\1/'`

// banner is the text that dev prints: lines that work as they stand.
func (d *demo) banner() string {
	var b strings.Builder
	show := func(title, line string) { fmt.Fprintf(&b, "%s:\n\n  %s\n\n", title, line) }
	run := quote(d.program)

	reach := "on this machine only"
	if !d.loopback {
		reach = "open to whoever can reach this machine, the passwords below included"
	}
	fmt.Fprintf(&b, "\nThe Identity Service runs at %s until you end it with Ctrl-C.\nEverything is temporary and %s.\n\n", d.url, reach)
	fmt.Fprintf(&b, "  issuer     %s\n  keys       %s/.well-known/jwks.json\n  discovery  %s/.well-known/openid-configuration\n", d.issuer, d.url, d.url)
	if d.docs {
		fmt.Fprintf(&b, "  API        %s/docs\n", d.url)
	}
	b.WriteString("\n")

	login := d.post("/auth/login", quote(fmt.Sprintf(`{"username":%q,"password":%q,"audience":"demo-api"}`, d.user, d.password.Reveal())))
	show("A person gets a token", login)
	refresh := `"{\"refresh_token\":\"$REFRESH\"}"`
	show("A person logs in, gets the next token without the password (each refresh token works once), and logs out", fmt.Sprintf("REFRESH=$(%s | %s)\n  %s\n  %s -w '%%{http_code}\\n'",
		login, refreshFrom, d.post("/auth/refresh", refresh), d.post("/auth/logout", refresh)))
	show("A machine with a secret", d.post("/auth/token",
		quote(fmt.Sprintf(`{"client_id":"demo-secret","client_secret":%q,"audience":"demo-api"}`, d.secret.Reveal()))))
	show("A machine with a key, which signs a client assertion", d.post("/auth/token",
		fmt.Sprintf(`"{\"client_id\":\"demo-key\",\"signature\":\"$(%s)\",\"audience\":\"demo-api\"}"`, d.sign("demo-key", d.rsaKey))))
	show("A machine with a secret and a key, which must prove both", d.post("/auth/token",
		fmt.Sprintf(`"{\"client_id\":\"demo-both\",\"client_secret\":\"%s\",\"signature\":\"$(%s)\",\"audience\":\"demo-api\"}"`,
			d.bothSecret.Reveal(), d.sign("demo-both", d.ecKey))))
	show("The same key with openssl alone, in the static form of the original service", d.post("/auth/token",
		fmt.Sprintf(`"{\"client_id\":\"demo-key\",\"signature\":\"$(printf %%s demo-key | openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max -sign %s | openssl base64 -A)\",\"audience\":\"demo-api\"}"`,
			quote(d.rsaKey))))
	show("Verify a token with the published keys", fmt.Sprintf("%s | %s | %s token verify --issuer %s --audience demo-api", login, tokenFrom, run, quote(d.issuer)))
	admin := d.post("/auth/login", quote(fmt.Sprintf(`{"username":%q,"password":%q}`, d.admin, d.adminPassword.Reveal())))
	show("The administrator reads the configuration", fmt.Sprintf(`curl -s %s/api/configuration -H "Authorization: Bearer $(%s | %s)"`, d.url, admin, tokenFrom))
	return b.String()
}

// post is a curl line with a body, which is a word of the shell.
func (d *demo) post(path, body string) string {
	return fmt.Sprintf("curl -s %s%s -H 'Content-Type: application/json' -d %s", d.url, path, body)
}

// sign is a line that makes a client assertion with this very program.
func (d *demo) sign(clientID, keyFile string) string {
	return fmt.Sprintf("%s sign --client-id %s --key %s --audience %s", quote(d.program), clientID, quote(keyFile), quote(d.issuer))
}

// quote makes one word of the shell of a text.
func quote(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
