#!/bin/sh
# Prints the static signature of the original service, made with openssl:
# RSASSA-PSS with SHA-256 over the bytes of the client id, in base64.
#
#   static_signature.sh KEY_FILE CLIENT_ID [SALT]
#
# SALT is max (as the original's clients did) or digest.
set -eu
key=$1 client_id=$2 salt=${3:-max}

printf %s "$client_id" |
	openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$salt" -sign "$key" |
	openssl base64 -A
echo
