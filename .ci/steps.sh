# shellcheck shell=bash
# Functions for .ci/run and .ci/nightly, which source this file.

golangci_lint_version=2.15.0
debian_packages=(
	# interop/
	python3-argon2 python3-psycopg2 python3-jwcrypto python3-authlib python3-cryptography libcrypt-jwt-perl ruby ruby-jwt jose openssl
	# scripts/first-minute.sh, scripts/schemathesis.sh, scripts/examples.sh, scripts/foreign-clients.sh
	curl python3-venv
	# scripts/foreign-clients.sh; of Node.js Debian's is too old for it
	apache2-bin libapache2-mod-oauth2
	# the pages of internal/apidocs
	chromium
	# internal/dbserver: the tests start servers of their own, under these packages' users
	postgresql mariadb-server
	# go test -race, and the build tag openssl
	gcc libc6-dev libssl-dev
)

# scripts/examples.sh; a machine may have these from elsewhere than Debian
debian_programs=(java:default-jdk-headless javac:default-jdk-headless mvn:maven node:nodejs npm:npm)

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
PATH=$PATH:$(go env GOPATH)/bin
# The programs of interop/ must be there: a test that needs one fails without it.
export IDENTITY_INTEROP=require
# So must the database servers, which the tests start themselves.
export IDENTITY_DATABASES=require

# What tests write goes to memory, where there is enough and programs may run there,
# unless TMPDIR says where. A server's data or a SQLite file is thrown away, and what a
# killed process has written is as safe there as on a disk. Only a power cut would tell,
# and no test makes one.
in_memory() {
	local folder
	folder=$(mktemp -d -p /dev/shm identity-ci-XXXXXX 2>/dev/null) || return 0
	# shellcheck disable=SC2064 # the folder of now
	trap "rm -rf '$folder'" EXIT
	printf '#!/bin/sh\n' >"$folder/probe"
	chmod 755 "$folder" "$folder/probe" # the users of the database servers pass through
	if [ "$(df --output=avail -k "$folder" | tail -n 1)" -ge $((4 << 20)) ] && "$folder/probe" 2>/dev/null; then
		export TMPDIR=$folder
	fi
}
[ -n "${TMPDIR:-}" ] || in_memory

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
	for p in "${debian_programs[@]}"; do
		command -v "${p%:*}" >/dev/null || missing+=("${p#*:}")
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

# declared PATTERN lists the declarations in test files that match, as FILE:LINE. Asking
# go test -list instead would link the tests of every package.
declared() { git grep -E "$1" -- '*_test.go'; }

# benchmarks runs each of them once.
benchmarks() {
	local packages
	packages=$(declared '^func Benchmark' | sed 's|/[^/]*$||; s|^|./|' | sort -u) || return
	# shellcheck disable=SC2086
	go test -vet=off -run '^$' -bench . -benchtime 1x $packages
}

# fuzz TIME runs each fuzz target of the module for a time, as many at once as there are
# processors.
fuzz() {
	local time=$1 work targets package instrument
	work=$(mktemp -d)
	targets=$(declared '^func Fuzz' | sed -E 's|:func (\w+).*| \1|; s|^[^/ ]* |. |; s|/[^/ ]* | |; s|^([^.])|./\1|') || return
	for package in $(cut -d ' ' -f 1 <<<"$targets" | sort -u); do
		# With SQLite, which is C translated to Go, instrumenting takes minutes, and
		# afterwards the fuzzer looks at its counters more than it runs: there the tests
		# as they are, with inputs that nothing leads.
		instrument=(-fuzz .)
		if go list -deps -test "$package" | grep -qx modernc.org/sqlite; then
			instrument=()
		fi
		go test -c -vet=off "${instrument[@]}" -o "$work/fuzz${package//[.\/]/_}" "$package" || return
	done
	export -f fuzz_target
	xargs -P "$(nproc)" -L 1 bash -c 'fuzz_target "$@"' bash "$time" "$work" <<<"$targets" || return
	rm -rf "$work"
}

# fuzz_target TIME BINARIES PACKAGE TARGET runs one target; what it finds goes where go
# test puts it, and what was interesting too. Making that as small as can be would take
# most of the time.
fuzz_target() {
	local log cache
	log=$(mktemp -p "$2")
	cache=$(go env GOCACHE)/fuzz/$(go list "$3") || return
	if ! (cd "$3" && "$2/fuzz${3//[.\/]/_}" -test.run '^$' -test.fuzz "^$4\$" -test.fuzztime "$1" -test.fuzzcachedir "$cache" \
		-test.fuzzminimizetime 20x -test.parallel 1) >"$log" 2>&1; then
		# The end of the time may overtake the fuzzer at its work
		# (golang/go issue 48591): that is no finding.
		if grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then
			printf '%s %s\n%s\n' "$3" "$4" "$(cat "$log")"
			return 1
		fi
	fi
	printf '%s %s %s\n' "$3" "$4" "$(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
}
