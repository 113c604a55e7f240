#!/usr/bin/perl
# Verifies access tokens with Crypt::JWT, from the published keys alone.
#
# Each line on stdin is {"jwks", "issuer", "audience", "token"}; it is answered with
# {"claims"} or {"refused"}. The exit code is 1 if anything was refused.
use strict;
use warnings;

use Crypt::JWT qw(decode_jwt);
use Crypt::Misc qw(decode_b64u);
use JSON qw(decode_json encode_json);

$| = 1;
my $refused = 0;
my %ours = map { $_ => 1 } qw(RS256 PS256 ES256 ES384 EdDSA);

while (my $line = <STDIN>) {
    my $claims = eval { verify(decode_json($line)) };
    $refused = 1 unless $claims;
    print encode_json($claims ? { claims => $claims } : { refused => "$@" }), "\n";
}
exit $refused;

sub verify {
    my ($request) = @_;
    my ($unverified) = split /[.]/, $request->{token};
    my $header = decode_json(decode_b64u($unverified));

    # RFC 9068 section 4: another kind of token of this issuer is none for us.
    die "typ is not at+jwt\n" unless ($header->{typ} // '') eq 'at+jwt';
    my ($key) = grep { $_->{kid} eq ($header->{kid} // '') } @{ $request->{jwks}{keys} };
    die "no published key has this kid\n" unless $key;
    # RFC 8725 section 3.1: the key says which algorithm, not the token.
    die "the key's alg is not one of ours\n" unless $ours{ $key->{alg} };

    return decode_jwt(
        token          => $request->{token},
        key            => $key,
        accepted_alg   => $key->{alg},
        decode_payload => 1,
        verify_iss     => $request->{issuer},
        verify_aud     => $request->{audience},
        verify_exp     => 1,
        verify_sub     => sub { length($_[0] // '') },
    );
}
