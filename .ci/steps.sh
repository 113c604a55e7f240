# shellcheck shell=bash
# Functions for .ci/run and .ci/nightly, which source this file.

golangci_lint_version=2.15.0
debian_packages=(
	# interop/
	python3-argon2 python3-psycopg2 python3-jwcrypto python3-authlib python3-cryptography libcrypt-jwt-perl ruby ruby-jwt jose openssl
	# scripts/first-minute.sh, scripts/schemathesis.sh
	curl python3-venv
	# the pages of internal/apidocs
	chromium
	# internal/dbserver: the tests start servers of their own, under these packages' users
	postgresql mariadb-server
	# go test -race
	gcc libc6-dev
)

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
PATH=$PATH:$(go env GOPATH)/bin
# The programs of interop/ must be there: a test that needs one fails without it.
export IDENTITY_INTEROP=require
# So must the database servers, which the tests start themselves.
export IDENTITY_DATABASES=require

passed=0
summary=""

# step NAME COMMAND... runs a command; the first that fails ends the run.
step() {
	local name=$1 start=$SECONDS
	shift
	printf '\n==> %s (at %s)\n' "$name" "$(clock $SECONDS)"
	if ! "$@"; then
		printf '\nFAILED: %s, after %s\n' "$name" "$(clock $((SECONDS - start)))"
		printf 'steps: %d passed, 1 failed\n' "$passed"
		exit 1
	fi
	passed=$((passed + 1))
	summary+=$(printf '%8s  %s' "$(clock $((SECONDS - start)))" "$name")$'\n'
}

# finish says how long each step took.
finish() {
	printf '\n==> all steps, %s\n%s' "$(clock $SECONDS)" "$summary"
	printf 'steps: %d passed, 0 failed\n' "$passed"
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

install_packages() {
	local missing=() p
	for p in "${debian_packages[@]}"; do
		if [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" != installed ]; then
			missing+=("$p")
		fi
	done
	if [ ${#missing[@]} -eq 0 ]; then
		return
	fi
	echo "missing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# The packages' own servers are not needed, and may stay as they are.
	apt-get update -q </dev/null && RUNLEVEL=1 apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
}

install_linter() {
	if [ "$(golangci-lint version --short 2>/dev/null)" != "$golangci_lint_version" ]; then
		echo "building golangci-lint $golangci_lint_version takes some minutes"
		go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$golangci_lint_version"
	fi
}

# fuzz TIME runs each fuzz target of the module for a time.
fuzz() {
	local listing package target log
	# The names of a package's targets come before its closing line.
	listing=$(go test -list '^Fuzz' ./...) || return
	log=$(mktemp)
	while read -r package target; do
		echo "$package $target"
		if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$package" >"$log" 2>&1; then
			# The end of the time may overtake the fuzzer at its work
			# (golang/go issue 48591): that is no finding.
			if grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
				cat "$log"
				rm -f "$log"
				return 1
			fi
		fi
	done < <(awk '/^Fuzz/ { names[n++] = $1 } /^ok/ { for (i = 0; i < n; i++) print $2, names[i]; n = 0 }' <<<"$listing")
	rm -f "$log"
}
