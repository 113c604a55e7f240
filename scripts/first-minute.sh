#!/bin/bash
# Does what a newcomer does in the first minute: runs "identity dev" and copies the
# lines that it prints, as they stand. Each must yield what it promises, and nothing
# may be left behind. Needs Go, curl, openssl and python3-jwcrypto.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
group=""

cleanup() {
	if [ -n "$group" ]; then
		kill -KILL -- "-$group" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	printf 'first-minute: %s\n' "$*" >&2
	printf '%s\n' '--- what the service logged:' >&2
	cat "$work/log" >&2 || true
	exit 1
}

# An empty home, and a folder of temporary files in which anything left is seen.
for name in GOCACHE GOENV GOMODCACHE GOPATH; do
	export "$name=$(go env "$name")"
done
mkdir "$work/home" "$work/tmp" "$work/elsewhere"
export HOME="$work/home" TMPDIR="$work/tmp"
unset PORT HOST LOG_LEVEL LOG_FORMAT JWT_ALGORITHM JWT_ISSUER ALLOWED_ORIGINS

cd "$root"
before=$(ls -A)
set -m # a process group of its own, as a terminal gives, and one that heeds SIGINT
go run ./cmd/identity dev >"$work/banner" 2>"$work/log" &
group=$!
set +m
for ((i = 0; i < 1200; i++)); do
	if grep -q 'msg=listening' "$work/log"; then
		break
	fi
	kill -0 "$group" 2>/dev/null || fail 'it ended at once'
	sleep 0.1
done
grep -q 'msg=listening' "$work/log" || fail 'it did not start'

url=$(sed -n 's/^The Identity Service runs at \(.*\) until .*/\1/p' "$work/banner")
issuer=$(sed -n 's/^  issuer  *//p' "$work/banner")
keys=$(sed -n 's/^  keys  *//p' "$work/banner")
discovery=$(sed -n 's/^  discovery  *//p' "$work/banner")
jwks=$(curl -sSf "$keys")
curl -sSf "$discovery" | grep -q "\"issuer\":\"$issuer\"" || fail 'the discovery document has another issuer'
docs=$(sed -n 's/^  API  *//p' "$work/banner")
curl -sSf "$docs" | grep -qi '<!doctype html>' || fail 'the description of the API is not where the banner says'

# verified TOKEN prints the client_id of a token that jwcrypto accepts.
verified() {
	printf '{"jwks":%s,"issuer":"%s","audience":"demo-api","token":"%s"}\n' "$jwks" "$issuer" "$1" |
		/usr/bin/python3 -B "$root/interop/python/verify_jwcrypto.py" |
		sed -n 's/.*"client_id": "\([^"]*\)".*/\1/p'
}

# What stands between empty lines is copied at once.
awk -v RS= '/^  (curl |REFRESH=)/ { gsub(/\n/, "; "); print }' "$work/banner" | sed 's/^  //' >"$work/lines"
got=""
while IFS= read -r line; do
	answer=$(cd "$work/elsewhere" && sh -c "$line" </dev/null) || fail "this line failed: $line"
	case $line in
	REFRESH=*)
		[[ $answer == *'"refresh_token":"idr_'*'"refreshes_left":99'*204 ]] || fail "no refresh and logout from: $line"
		got+=" session"
		;;
	*' token verify '*)
		grep -q '"aud": *"demo-api"' <<<"$answer" || fail "no claims from: $line"
		got+=" claims"
		;;
	*/api/configuration*)
		grep -q "\"jwt_issuer\":\"$issuer\"" <<<"$answer" || fail "no configuration from: $line"
		got+=" configuration"
		;;
	*)
		token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$answer")
		[ -n "$token" ] || fail "no token from: $line"
		client=$(verified "$token") || fail "jwcrypto refuses the token of: $line"
		got+=" $client"
		;;
	esac
done <"$work/lines"
# A person, and their session; the three kinds of machine, and the static form.
want=" identity session demo-secret demo-key demo-both demo-key claims configuration"
[ "$got" = "$want" ] || fail "the lines yield:$got; want:$want"

# Ctrl-C goes to the whole process group.
kill -INT -- "-$group"
for ((i = 0; i < 300; i++)); do
	kill -0 -- "-$group" 2>/dev/null || break
	sleep 0.1
done
kill -0 -- "-$group" 2>/dev/null && fail 'it does not end'
wait "$group" || true # go run itself fails when it is interrupted, and tells of its child
group=""
if grep -E '^(identity:|exit status|signal:|panic)|level=ERROR' "$work/log" >&2; then
	fail 'it did not end well'
fi
if curl -s -o /dev/null --max-time 5 "$url/healthz"; then
	fail "somebody still listens at $url"
fi
left=$(find "$work/tmp" "$work/elsewhere" -mindepth 1)
[ -z "$left" ] || fail "left behind: $left"
[ "$before" = "$(ls -A)" ] || fail 'it left files where it ran'
echo "$(wc -l <"$work/lines") lines were copied; each yields what it should, and nothing is left behind"
