#!/bin/sh
# Prints a client assertion (RFC 7523), made with openssl and an RSA key.
#
#   assertion.sh KEY_FILE CLIENT_ID ISSUER [ALGORITHM]
#
# ISSUER is the service's; ALGORITHM is RS256 or PS256.
set -eu
key=$1 client_id=$2 issuer=$3 algorithm=${4:-RS256}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

case $algorithm in
RS256) padding=pkcs1 ;;
PS256) padding=pss ;;
*)
	echo "the algorithm is RS256 or PS256" >&2
	exit 1
	;;
esac
now=$(date +%s)
header=$(printf '{"alg":"%s","typ":"JWT"}' "$algorithm" | base64url)
claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","jti":"%s","iat":%d,"exp":%d}' \
	"$client_id" "$client_id" "$issuer" "$(openssl rand -hex 16)" "$now" "$((now + 60))" | base64url)
# RFC 7518 section 3.5: the salt of PS256 is as long as the digest.
set -- -sigopt "rsa_padding_mode:$padding"
if [ "$padding" = pss ]; then
	set -- "$@" -sigopt rsa_pss_saltlen:digest
fi
signature=$(printf %s "$header.$claims" | openssl dgst -sha256 "$@" -sign "$key" | base64url)
echo "$header.$claims.$signature"
