#!/bin/bash
# Fetches Swagger UI and Redoc from npm, at the versions below, and makes of them what
# internal/apidocs serves: without source maps, which would be asked for in vain, and
# Redoc without its logo, which it would load from another host. Needs npm.
set -euo pipefail
swagger_ui=5.35.0
redoc=2.5.4
assets=$(cd "$(dirname "$0")/../internal/apidocs/assets" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() {
	mkdir "$work/$1"
	(cd "$work/$1" && npm pack --silent "$1@$2" >/dev/null && tar xzf ./*.tgz --strip-components=1)
}

# keep FILE NAME compresses a file without its last line or comment, which names its map,
# the same way every time.
keep() {
	sed -e '${/^\/\/# sourceMappingURL=/d; s|/\*# sourceMappingURL=[^*]*\*/$||}' "$1" | gzip -9n >"$assets/$2.gz"
}

fetch swagger-ui-dist $swagger_ui
fetch redoc $redoc
from="$work/swagger-ui-dist"
keep "$from/swagger-ui.css" swagger-ui.css
keep "$from/swagger-ui-bundle.js" swagger-ui-bundle.js
{
	printf 'Swagger UI %s\n\n' "$swagger_ui"
	cat "$from/NOTICE"
	printf '\n\n'
	cat "$from/LICENSE"
	printf '\n\nIt contains:\n\n'
	cat "$from/swagger-ui-bundle.js.LICENSE.txt"
} >"$assets/swagger-ui.LICENSE.txt"

from="$work/redoc"
[ "$(grep -o 'https://cdn.redoc.ly/redoc/logo-mini.svg' "$from/bundles/redoc.standalone.js" | wc -l)" = 1 ] || {
	echo 'the logo of Redoc is not where it was' >&2
	exit 1
}
sed -i 's|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|' "$from/bundles/redoc.standalone.js"
keep "$from/bundles/redoc.standalone.js" redoc.standalone.js
{
	printf 'Redoc %s, with the address of its logo taken out\n\n' "$redoc"
	cat "$from/LICENSE"
	printf '\n\nIt contains:\n\n'
	cat "$from/bundles/redoc.standalone.js.LICENSE.txt"
} >"$assets/redoc.LICENSE.txt"
