#!/usr/bin/ruby
# Verifies access tokens with ruby-jwt, from the published keys alone.
#
# Each line on stdin is {"jwks", "issuer", "audience", "token"}; it is answered with
# {"claims"} or {"refused"}. The exit code is 1 if anything was refused.

require 'json'
require 'jwt'

# ruby-jwt reads no Ed25519 keys from a JWKS.
ALGORITHMS = %w[RS256 PS256 ES256 ES384].freeze

class Refused < StandardError; end

def verify(jwks:, issuer:, audience:, token:)
  _, header = JWT.decode(token, nil, false) # nothing is verified yet
  # RFC 9068 section 4: another kind of token of this issuer is none for us.
  raise Refused, 'typ is not at+jwt' unless header['typ'] == 'at+jwt'

  key = jwks[:keys].find { |k| k[:kid] == header['kid'] }
  raise Refused, 'no published key has this kid' unless key
  # RFC 8725 section 3.1: the key says which algorithm, not the token.
  raise Refused, "the key's alg is not one of ours" unless ALGORITHMS.include?(key[:alg])

  claims, = JWT.decode(
    token, nil, true,
    jwks: { keys: [key] }, algorithms: [key[:alg]],
    iss: issuer, verify_iss: true, aud: audience, verify_aud: true,
    required_claims: %w[iss aud exp sub]
  )
  claims
end

$stdout.sync = true
refused = false
$stdin.each_line do |line|
  puts JSON.generate(claims: verify(**JSON.parse(line, symbolize_names: true)))
rescue Refused, JWT::DecodeError => e
  refused = true
  puts JSON.generate(refused: "#{e.class}: #{e.message}")
end
exit 1 if refused
