#!/bin/bash
# Runs the services of examples/ as their README says, and asks each what only a good token
# may open: with tokens of this service, and with all that an attacker can make up. Needs
# Go, Python with venv and python3-jwcrypto, Node.js with npm, a JDK with Maven, and curl.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
pids=()

# An example is here, in build_NAME, and in start_NAME, which is given where it was built.
examples=(go python node java)

build_go() { (cd "$root" && go build -o "$1/orders" ./examples/go); }
start_go() { exec "$1/orders"; }
build_python() { /usr/bin/python3 -m venv "$1/venv" && "$1/venv/bin/pip" install -q --disable-pip-version-check -r "$1/requirements.txt"; }
start_python() { exec "$1/venv/bin/python" "$1/orders.py"; }
build_node() { (cd "$1" && npm ci --silent --no-audit --no-fund); }
start_node() { exec node "$1/orders.js"; }
build_java() { mvn -B -q -f "$1/pom.xml" package; }
start_java() { exec java -XX:TieredStopAtLevel=1 -jar "$1/target/orders.jar"; }

stop() {
	if [ ${#pids[@]} -gt 0 ]; then
		kill -CONT "${pids[@]}" 2>/dev/null || true
		kill "${pids[@]}" 2>/dev/null || true
		wait "${pids[@]}" 2>/dev/null || true
	fi
	pids=()
}
cleanup() {
	stop
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	printf 'examples: %s\n' "$*" >&2
	for log in "$work"/*.log; do
		printf '%s\n' "--- the end of ${log##*/}:" >&2
		tail -n 20 "$log" >&2
	done
	exit 1
}

# waited COMMAND... tries for up to half a minute.
waited() {
	local i
	for ((i = 0; i < 150; i++)); do
		if "$@"; then
			return
		fi
		sleep 0.2
	done
	return 1
}

# --- This service, with an audience, clients and a user.

# Nothing of whoever runs this: a context of theirs is another service.
alone=(env -i PATH="$PATH" HOME="$work" DATABASE_PATH="$work/identity.db" HOST=127.0.0.1 PORT=0 "$work/identity")
identity() { "${alone[@]}" "$@"; }

started() { grep -q '"msg":"listening"' "$work/identity.log"; }

serve() {
	"${alone[@]}" serve >"$work/identity.log" 2>&1 & # not identity: that would be a shell in between
	server=$!
	pids+=("$server")
	waited started || fail 'the service did not start'
	issuer=$(identity config show --local -o json | sed -n 's/.*"jwt_issuer": "\(.*\)".*/\1/p')
	secret=$(openssl rand -hex 24)
	identity audience create orders --permission orders:read,orders:write --local
	local client
	for client in shop shopper clerk; do
		identity client create --id $client --name $client --secret-stdin --audience orders,billing \
			--permission "orders:$([ $client = clerk ] && echo write || echo read)" --local <<<"$secret"
	done
	identity user create ann --password-stdin --audience orders --permission orders:read --local <<<"$secret"
} >"$work/setup.log" 2>&1

# token CLIENT AUDIENCE prints a token.
token() {
	curl -sSf -u "$1:$secret" -d grant_type=client_credentials -d "audience=$2" "$issuer/oauth2/token" |
		sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}

# claim NAME TOKEN prints a claim that is a string.
claim() { printf '%s' "$2" | identity token inspect 2>/dev/null | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

# --- What is asked.

declare -A address

# run NAME SUFFIX ISSUER [VARIABLE=VALUE...] starts an example; its address is then
# address[NAME SUFFIX].
run() {
	local name=$1 log="$work/$1-$2.log"
	: >"$log"
	(
		export ISSUER=$3 AUDIENCE=orders PORT=0 "${@:4}"
		"start_$name" "$work/$name"
	) >"$log" 2>&1 &
	pids+=($!)
	address["$1 $2"]=$log
}

# listening sets the addresses of all that were started.
listening() {
	local one log
	for one in "${!address[@]}"; do
		log=${address[$one]}
		waited grep -q '^listening on ' "$log" || fail "$one did not start"
		address[$one]=$(sed -n 's/^listening on //p' "$log")
	done
}

# answer URL [TOKEN] prints the status and the kind of the challenge (RFC 6750 section 3).
answer() {
	local headers status challenge kind=none
	headers=$(curl -s -o /dev/null -D - --max-time 20 ${2+-H "Authorization: Bearer $2"} "$1" | tr -d '\r') || true
	status=$(sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' <<<"$headers")
	challenge=$(sed -n 's/^www-authenticate: *//Ip' <<<"$headers")
	case $challenge in
	'') ;;
	Bearer*error=\"insufficient_scope\"*scope=\"orders:read\"*) kind=insufficient_scope ;;
	Bearer*error=\"invalid_token\"*) kind=invalid_token ;;
	Bearer*error*) kind=other ;;
	Bearer*) kind=bare ;;
	*) kind=other ;;
	esac
	echo "$status $kind"
}

is() { got=$(answer "${@:2}") && [ "$got" = "$1" ]; }

# What an example answers otherwise: Java's library has no EdDSA; package client takes by
# default what this service signs with, and no token whose permissions are no list.
declare -A otherwise=(["java alg EdDSA"]='401 invalid_token' ["go permissions in a text"]='401 invalid_token')
for alg in RS384 RS512 PS384 PS512; do
	otherwise["go alg $alg"]='401 invalid_token'
done

asked=0
# check SUFFIX WHAT ANSWER [TOKEN] asks all examples once.
check() {
	local name want
	for name in "${examples[@]}"; do
		want=${otherwise[$name $2]-$3}
		is "$want" "${address[$name $1]}/orders" "${@:4}" || fail "$name: $2: it answers $got, want $want"
		asked=$((asked + 1))
	done
}

# becomes SUFFIX WHAT ANSWER [TOKEN] waits until all examples answer so.
becomes() {
	local name
	for name in "${examples[@]}"; do
		waited is "$3" "${address[$name $1]}/orders" "${@:4}" || fail "$name: $2: it still answers $got, want $3"
		asked=$((asked + 1))
	done
}

good='200 none' bare='401 bare' invalid='401 invalid_token' scarce='403 insufficient_scope' unknown='503 none'

# --- Everything is built, at once.

(cd "$root" && go build -o "$work/identity" ./cmd/identity) >"$work/build-identity.log" 2>&1 &
builds=($!)
for name in "${examples[@]}"; do
	mkdir "$work/$name"
	# What git has, not what lies about.
	(cd "$root/examples/$name" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$work/$name")
	"build_$name" "$work/$name" >"$work/build-$name.log" 2>&1 &
	builds+=($!)
done
for build in "${builds[@]}"; do
	wait "$build" || fail 'something does not build'
done

serve || fail 'the service cannot be set up'
mkdir "$work/liar"
/usr/bin/python3 -B "$root/scripts/examples_issuer.py" "$work/liar" orders >"$work/liar.log" 2>&1 &
pids+=($!)
waited test -s "$work/liar/address" || fail 'the issuer that lies did not start'
liar=$(cat "$work/liar/address")
for name in "${examples[@]}"; do
	run "$name" real "$issuer" REVOCATION_INTERVAL=0.5 REVOCATION_MAX_AGE=6
	run "$name" liar "$liar" REVOCATION_INTERVAL=0.3 REVOCATION_MAX_AGE=1.5
	# Its metadata name another issuer: nothing that it says is to be believed.
	run "$name" elsewhere "${issuer/localhost/127.0.0.1}" REVOCATION_INTERVAL=0.5
done
listening

# --- Tokens of this service.

first=$(token shop orders) second=$(token shop orders) third=$(token shopper orders)
becomes real 'a good token' "$good" "$first"
check real 'no token' "$bare"
check real 'garbage' "$invalid" garbage
check real 'a token for another audience' "$invalid" "$(token shop billing)"
check real 'a token without the permission' "$scarce" "$(token clerk orders)"
for name in "${examples[@]}"; do
	is "$good" "${address[$name real]}/health" || fail "$name: /health answers $got"
	is "$bare" "${address[$name real]}/orders?access_token=$first" || fail "$name takes a token from the query" # RFC 6750 section 2.3
done

# --- Revocation: of a token, a session, a client, and of everything.

identity revocation create --token "$(claim jti "$first")" --yes --local >"$work/revocation.log" 2>&1
becomes real 'a revoked token' "$invalid" "$first"
check real 'another token of that client' "$good" "$second"
session=$(curl -sSf "$issuer/auth/login" -H 'Content-Type: application/json' \
	-d "{\"username\":\"ann\",\"password\":\"$secret\",\"audience\":\"orders\"}" | sed 's/.*"token":"\([^"]*\)".*/\1/')
check real 'a token of a user' "$good" "$session"
identity revocation create --session "$(claim sid "$session")" --yes --local >>"$work/revocation.log" 2>&1
identity revocation create --principal shop --yes --local >>"$work/revocation.log" 2>&1
becomes real 'a token of an ended session' "$invalid" "$session"
becomes real 'a token of a revoked client' "$invalid" "$second"
check real 'a token of another client' "$good" "$third"
identity revocation create --all --yes --local >>"$work/revocation.log" 2>&1
becomes real 'a token from before all were revoked' "$invalid" "$third"
last=$(token shop orders)
check real 'a token from after all were revoked' "$good" "$last"

# --- Tokens that nobody should accept, of an issuer that makes them.

while IFS=$'\t' read -r what status kind text; do
	check liar "$what" "$status $kind" "$text"
	[ "$what" != 'a good one' ] || liars=$text
done <"$work/liar/tokens"
# Who makes up key ids must not make a service ask for the keys each time.
for ((i = 0; i < 10; i++)); do
	check liar 'a kid that was made up' "$invalid" "$(sed -n 's/^another kid\t.*\t//p' "$work/liar/tokens")"
done
fetched=$(grep -c '^/keys' "$work/liar/asked")
[ "$fetched" -le $((4 * ${#examples[@]})) ] || fail "the keys were fetched $fetched times"

# --- Lists that nobody should believe: each says that all tokens are revoked.

for list in "$work"/liar/lists/*; do
	[ "${list##*/}" != good ] || continue
	cp "$list" "$work/liar/next" && mv "$work/liar/next" "$work/liar/list"
	becomes liar "no list but one that is ${list##*/}" "$unknown" "$liars"
	cp "$work/liar/lists/good" "$work/liar/next" && mv "$work/liar/next" "$work/liar/list"
	becomes liar 'a good list again' "$good" "$liars"
done

# --- Without the issuer.

for name in "${examples[@]}"; do
	got=$(answer "${address[$name elsewhere]}/orders" "$last")
	[ "$got" = "$unknown" ] || fail "$name believes the metadata of another issuer: $got"
done
kill -STOP "$server"
becomes real 'a good token without a recent list' "$unknown" "$last"
check real 'no token without a recent list' "$bare"
for name in "${examples[@]}"; do
	is "$good" "${address[$name real]}/health" || fail "$name: /health without a recent list answers $got"
done
kill -CONT "$server"
becomes real 'a good token with a list again' "$good" "$last"

stop
for one in "$issuer/healthz" "${address[@]/%//health}"; do
	if curl -s -o /dev/null --max-time 5 "$one"; then
		fail "somebody still listens at $one"
	fi
done
echo "${#examples[@]} examples gave $asked answers, each as it should be: ${examples[*]}"
