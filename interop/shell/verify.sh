#!/bin/sh
# Verifies access tokens with the jose command, from the published keys alone.
#
# Each line on stdin is {"jwks", "issuer", "audience", "token"}; it is answered with
# {"claims"} or {"refused"}. The exit code is 1 if anything was refused.
#
# "jose fmt" works on a stack: -g gets a member and -q pushes a text, -S demands a
# text and -E that the upper two are equal, -u and -o write, -U takes off.
set -u

verify() {
	jose fmt -j "$1" -O -g issuer -Su issuer -U -g audience -Su audience -U \
		-g token -Su token -U -g jwks -g keys -Af keys
	read -r issuer <issuer
	read -r audience <audience
	read -r token <token

	# RFC 9068 section 4: another kind of token of this issuer is none for us.
	if ! printf %s "${token%%.*}" | jose b64 dec -i- -O header ||
		! jose fmt -j header -O -g typ -q at+jwt -EUU -g kid -Su kid -U -g alg -Su alg 2>/dev/null; then
		refuse 'typ is not at+jwt, or kid or alg is missing'
		return
	fi
	# RFC 8725 section 3.1: a key is for one algorithm. jose itself would take
	# the token's word for it. It knows no EdDSA.
	if ! find_key "$(cat kid)" "$(cat alg)" >key; then
		refuse 'no published key has this kid and alg'
		return
	fi
	# It writes the claims before it has verified them: its exit code counts.
	if ! printf %s "$token" | jose jws ver -i- -k key -O claims 2>/dev/null; then
		refuse 'the signature does not verify'
		return
	fi
	if ! expires=$(jose fmt -j claims -O -g iss -q "$issuer" -EUU -g aud -q "$audience" -EUU \
		-g sub -SU -g exp -Io- 2>/dev/null); then
		refuse 'iss, aud, sub or exp is missing or another'
		return
	fi
	if [ "$(date +%s)" -ge "$expires" ]; then
		refuse 'the token has expired'
		return
	fi
	printf '{"claims":%s}\n' "$(cat claims)"
}

# find_key KID ALG: the key that has both, among those in the file keys.
find_key() {
	while read -r key; do
		if jose fmt -j "$key" -O -g kid -q "$1" -EUU -g alg -q "$2" -E 2>/dev/null; then
			printf %s "$key"
			return 0
		fi
	done <keys
	return 1
}

refuse() {
	printf '{"refused":"%s"}\n' "$1"
	refused=1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 2
refused=0
while read -r line; do
	verify "$line"
done
exit "$refused"
