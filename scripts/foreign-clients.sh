#!/bin/bash
# Lets OAuth libraries that this project had no hand in get tokens from the program as it
# is built, use them, and be refused where they must be: those of interop/. Each check is
# a line; the first that fails ends the run, and nothing is left behind.
#
# scripts/foreign-clients.sh [go] [node] [python] [apache] [kubernetes]
#
# Without an argument it is all but kubernetes, which is compiled from much; with it the
# service has TLS, for the others of that run too, and apache cannot be among them. Needs Go, curl,
# openssl; Node.js 20 and npm; python3 with venv; Debian's apache2-bin and libapache2-mod-oauth2;
# and the registries of Go, npm and Python, or caches of what was had from them.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
service=""
apache=""
site=""

cleanup() {
	local pid
	for pid in $apache $service; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$work" ${site:+"$site"}
}
trap cleanup EXIT

fail() {
	printf 'foreign-clients: %s\n' "$*" >&2
	for log in log cli.log apache.log; do
		if [ -e "$work/$log" ]; then
			printf '%s\n' "--- the end of $log:" >&2
			tail -n 10 "$work/$log" >&2
		fi
	done
	exit 1
}

parts="$*"
parts=${parts:-go node python apache}
for part in $parts; do
	case $part in
	go | node | python | apache | kubernetes) ;;
	*) fail "there is no part $part" ;;
	esac
done

# Kubernetes takes no issuer but one of https. Only the programs believe the certificate:
# what fetches them goes by those of the machine.
scheme=http
tls=()
trust=()
if [[ $parts == *kubernetes* ]]; then
	[[ $parts != *apache* ]] || fail 'Apache and Kubernetes are for two runs: the module knows only the CAs of the machine'
	scheme=https
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj '/CN=localhost' \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
	tls=(TLS_CERT_FILE="$work/tls.pem" TLS_KEY_FILE="$work/tls.key")
	trust=(SSL_CERT_FILE="$work/tls.pem" NODE_EXTRA_CA_CERTS="$work/tls.pem" REQUESTS_CA_BUNDLE="$work/tls.pem")
fi

(cd "$root" && go build -o "$work/identity" ./cmd/identity)
# A whole environment of its own: nothing of the caller's leads to another database.
password='the password of the first'
mkdir "$work/home"
env -i PATH="$PATH" HOME="$work/home" PORT=0 HOST=127.0.0.1 DATABASE_PATH="$work/identity.db" \
	ADMIN_USERNAME=first ADMIN_PASSWORD="$password" "${tls[@]}" \
	"$work/identity" serve >"$work/out" 2>"$work/log" &
service=$!
for ((i = 0; i < 100; i++)); do
	grep -q '"msg":"listening"' "$work/log" && break
	kill -0 "$service" 2>/dev/null || fail 'the service ended at once'
	sleep 0.1
done
port=$(sed -n 's/.*"msg":"listening","addr":"[^"]*:\([0-9]*\)".*/\1/p' "$work/log")
export ISSUER=$scheme://localhost:$port

# identity runs the command line on the service, as its administrator.
identity() { env -i PATH="$PATH" HOME="$work/home" "${trust[@]}" "$work/identity" "$@"; }
# member NAME is the first member of that name in the JSON on standard input.
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }
# secret_of CLIENT FLAGS... registers a client, and is its secret.
secret_of() { identity client create --id "$@" -o json 2>>"$work/cli.log" | member client_secret; }

printf '%s\n' "$password" | identity login "$ISSUER" --username first --password-stdin >/dev/null 2>&1 || fail 'no administrator'

# registered PART ALGORITHM PARAMETER registers the clients and the audiences of one
# part, so that the wrong proofs of one slow down no other, and says them to it.
registered() {
	openssl genpkey -algorithm "$2" ${3:+-pkeyopt "$3"} -out "$work/$1.pem" 2>/dev/null
	openssl genpkey -algorithm "$2" ${3:+-pkeyopt "$3"} -out "$work/$1.foreign.pem" 2>/dev/null
	openssl pkey -in "$work/$1.pem" -pubout -out "$work/$1.pub.pem"
	export AUDIENCE=$1-orders OTHER_AUDIENCE=$1-invoices
	export SECRET_CLIENT=$1-clerk KEY_CLIENT=$1-robot SERVER_CLIENT=$1-server
	export KEY_FILE=$work/$1.pem FOREIGN_KEY_FILE=$work/$1.foreign.pem
	SECRET=$(secret_of "$SECRET_CLIENT" --audience "$AUDIENCE,$OTHER_AUDIENCE" --permission orders:read,identity:clients:read)
	KEY_ID=$(identity client create --id "$KEY_CLIENT" --public-key "$work/$1.pub.pem" --audience "$AUDIENCE" --permission orders:read -o json | member kid)
	SERVER_SECRET=$(secret_of "$SERVER_CLIENT" --audience '')
	identity audience create "$AUDIENCE" --permission orders:read --introspection-client "$SERVER_CLIENT" >/dev/null
	identity audience create "$OTHER_AUDIENCE" --permission orders:read --introspection-client "$KEY_CLIENT" >/dev/null
	export SECRET KEY_ID SERVER_SECRET
	if [ -z "$SECRET" ] || [ -z "$KEY_ID" ] || [ -z "$SERVER_SECRET" ]; then
		fail "the clients of $1 were not registered"
	fi
}

go_part() {
	registered go ed25519 ''
	(cd "$root/interop/go" && go build -o "$work/foreign-go" .) || return
	env "${trust[@]}" "$work/foreign-go"
}

# Packages are kept under the hash of the file that names them.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/identity-foreign-clients
cached() { printf '%s/%s-%s' "$cache" "$1" "$(sha256sum <"$2" | cut -c 1-16)"; }

node_part() {
	registered node EC ec_paramgen_curve:prime256v1
	local folder=$root/interop/node modules name
	[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || { echo 'Node.js 20 or newer is needed' >&2; return 1; }
	modules=$(cached node "$folder/package-lock.json")
	if [ ! -e "$modules/installed" ]; then
		rm -rf "$modules"
		mkdir -p "$modules"
		cp "$folder"/package.json "$folder"/package-lock.json "$folder"/.npmrc "$modules"
		npm --prefix "$modules" ci >"$work/npm.log" 2>&1 || { cat "$work/npm.log" >&2; return 1; }
		touch "$modules/installed"
	fi
	mkdir "$work/node"
	cp "$folder"/*.mjs "$work/node"
	ln -s "$modules/node_modules" "$work/node/node_modules"
	for name in openid-client oauth4webapi; do
		env "${trust[@]}" node "$work/node/$name.mjs" || return
	done
}

python_part() {
	registered python RSA rsa_keygen_bits:2048
	export TOKEN_ENDPOINT_CLIENT=python-lenient
	identity client create --id "$TOKEN_ENDPOINT_CLIENT" --public-key "$work/python.pub.pem" --assertion-audience token_endpoint \
		--audience "$AUDIENCE" --permission orders:read >/dev/null
	local wanted=$root/interop/python/standard_authlib.txt venv
	venv=$(cached python "$wanted")
	if [ ! -e "$venv/installed" ]; then
		rm -rf "$venv"
		python3 -m venv "$venv"
		"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" || return
		touch "$venv/installed"
	fi
	env "${trust[@]}" "$venv/bin/python" -B "$root/interop/python/standard_authlib.py"
}

# token CLIENT SECRET AUDIENCE is a token.
token() {
	curl -sSf -u "$1:$2" -d grant_type=client_credentials -d "audience=$3" "$ISSUER/oauth2/token" | member access_token
}

apache_part() {
	registered apache EC ec_paramgen_curve:prime256v1
	site=$(mktemp -d)
	export SITE=$site SITE_LOG=$work/apache.log SITE_PORT
	chmod 755 "$site" # the user that Apache becomes comes in
	mkdir -p "$site/pages/verified" "$site/pages/asked"
	echo "the orders" | tee "$site/pages/verified/orders" >"$site/pages/asked/orders"
	for ((i = 0; i < 5; i++)); do # another port where somebody has that
		SITE_PORT=$((20000 + RANDOM % 12000))
		/usr/sbin/apache2 -f "$root/interop/apache/oauth2.conf" -D FOREGROUND 2>>"$SITE_LOG" &
		apache=$!
		for ((j = 0; j < 100; j++)); do
			kill -0 "$apache" 2>/dev/null || break
			[ ! -s "$site/pid" ] || break 2 # which it writes once it listens
			sleep 0.1
		done
	done

	# 30 s are the shortest that there is.
	local good other secret
	secret=$(secret_of apache-brief --audience "$AUDIENCE" --permission orders:read --token-expiration 30)
	brief=$(token apache-brief "$secret" "$AUDIENCE")
	over=$((SECONDS + 32))
	answers verified "$brief" 200 "takes a token for 30 s by the published keys" || return
	answers asked "$brief" 200 "takes a token for 30 s by introspection" || return
	good=$(token "$SECRET_CLIENT" "$SECRET" "$AUDIENCE")
	other=$(token "$SECRET_CLIENT" "$SECRET" "$OTHER_AUDIENCE")
	answers verified "$good" 200 "takes a token by the published keys" || return
	answers verified "$other" 401 "refuses one for another audience" || return
	answers verified "$good.x" 401 "refuses what is none" || return
	answers verified "${good%.*}.${other##*.}" 401 "refuses one whose signature is another's" || return
	answers asked "$good" 200 "takes a token by introspection" || return
	answers asked "$other" 401 "refuses one for another audience, by introspection" || return
	answers asked "$good.x" 401 "refuses what is none, by introspection" || return
	curl -sSf -u "$SECRET_CLIENT:$SECRET" -d "token=$good" "$ISSUER/oauth2/revoke" || return
	sleep 2 # it remembers for a second
	answers asked "$good" 401 "refuses the same token once it was revoked, by introspection"
}

# answers FOLDER TOKEN STATUS WHAT asks Apache for a page with a token.
answers() {
	local status
	status=$(curl -s -o "$work/page" -w '%{http_code}' -H "Authorization: Bearer $2" "http://127.0.0.1:$SITE_PORT/$1/orders")
	if [ "$status" != "$3" ] || [ "$(grep -c 'the orders' "$work/page")" != "$((status == 200))" ]; then
		printf 'FAILED mod_oauth2: %s: status %s\n' "$4" "$status" >&2
		return 1
	fi
	printf 'ok     mod_oauth2: %s\n' "$4"
}

# apache_ends is the end of Apache's part, for which the others need not wait.
apache_ends() {
	[ "$SECONDS" -ge "$over" ] || sleep $((over - SECONDS))
	answers verified "$brief" 401 "refuses the token for 30 s once it is over" || return
	answers asked "$brief" 401 "refuses the token for 30 s once it is over, by introspection"
}

kubernetes_part() {
	registered kubernetes EC ec_paramgen_curve:prime256v1
	export BRIEF_CLIENT=kubernetes-brief BRIEF_SECRET
	BRIEF_SECRET=$(secret_of "$BRIEF_CLIENT" --audience "$AUDIENCE" --permission orders:read --token-expiration 30)
	(cd "$root/interop/kubernetes" && go build -o "$work/foreign-kubernetes" .) || return
	env "${trust[@]}" "$work/foreign-kubernetes"
}

if [[ " $parts " == *" apache "* ]]; then
	parts="apache ${parts/apache/} "
fi
for part in $parts; do
	"${part}_part" || fail "$part"
done
if [ -n "$apache" ]; then
	apache_ends || fail apache
fi
kill -0 "$service" 2>/dev/null || fail 'the service is not there any more'
if grep '"level":"ERROR"' "$work/log" >&2; then
	fail 'the service logged an error'
fi
