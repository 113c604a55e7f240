//go:build openssl && cgo

package jose

/*
#cgo LDFLAGS: -lcrypto
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// identity_rsa_key reads a private key in DER (PKCS#8), or returns NULL.
static EVP_PKEY *identity_rsa_key(const unsigned char *der, long length) {
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, length);
	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	ERR_clear_error();
	return key;
}

// identity_rsa_sign signs a digest, and returns the length of the signature, or 0.
static size_t identity_rsa_sign(EVP_PKEY *key, int pss, int hash, const unsigned char *digest, size_t digest_length,
                                unsigned char *signature, size_t room) {
	const EVP_MD *md = hash == 256 ? EVP_sha256() : hash == 384 ? EVP_sha384() : EVP_sha512();
	size_t length = room;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int ok = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0 &&
		EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
		(!pss || (EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0)) &&
		EVP_PKEY_sign(ctx, signature, &length, digest, digest_length) > 0;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? length : 0;
}
*/
import "C"

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// openSSLRSA is libcrypto, which blinds each operation and checks its result before it
// gives it away, as it does by default.
type openSSLRSA struct {
	key  *C.EVP_PKEY
	size int // bytes of a signature
}

// newRSASigner returns libcrypto's signer if libcrypto works, and else Go's.
func newRSASigner(key *rsa.PrivateKey, pkcs8 []byte) rsaSigner {
	if libcryptoWorks() != nil {
		return goRSA{key}
	}
	s, err := newOpenSSLRSA(key, pkcs8)
	if err != nil {
		return goRSA{key}
	}
	return s
}

func newOpenSSLRSA(key *rsa.PrivateKey, pkcs8 []byte) (*openSSLRSA, error) {
	held := C.identity_rsa_key((*C.uchar)(unsafe.Pointer(unsafe.SliceData(pkcs8))), C.long(len(pkcs8)))
	if held == nil {
		return nil, errors.New("libcrypto does not take the key")
	}
	s := &openSSLRSA{held, key.Size()}
	runtime.AddCleanup(s, func(held *C.EVP_PKEY) { C.EVP_PKEY_free(held) }, held)
	return s, nil
}

func (s *openSSLRSA) sign(alg Algorithm, digest []byte) ([]byte, error) {
	pss := C.int(0)
	if alg.pss() {
		pss = 1
	}
	signature := make([]byte, s.size)
	n := C.identity_rsa_sign(s.key, pss, C.int(alg.hash().Size()*8),
		(*C.uchar)(unsafe.SliceData(digest)), C.size_t(len(digest)), (*C.uchar)(unsafe.SliceData(signature)), C.size_t(len(signature)))
	runtime.KeepAlive(s)
	if int(n) != s.size {
		return nil, errors.New("libcrypto has not signed")
	}
	return signature, nil
}

// libcryptoWorks tries libcrypto once: what it signs, with both paddings and each hash, must be
// what crypto/rsa verifies.
var libcryptoWorks = sync.OnceValue(func() error {
	key, err := rsa.GenerateKey(rand.Reader, generatedModulusBits)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	s, err := newOpenSSLRSA(key, pkcs8)
	if err != nil {
		return err
	}
	for _, alg := range []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512} {
		digest := alg.digest([]byte("what is signed by one and verified by the other"))
		signature, err := s.sign(alg, digest)
		if err == nil && alg.pss() {
			err = rsa.VerifyPSS(&key.PublicKey, alg.hash(), digest, signature, jwsPSS())
		} else if err == nil {
			err = rsa.VerifyPKCS1v15(&key.PublicKey, alg.hash(), digest, signature)
		}
		if err != nil {
			return fmt.Errorf("libcrypto does not sign %s as it should: %w", alg, err)
		}
	}
	return nil
})

// RSA names what makes RSA signatures: crypto/rsa, or libcrypto with its version in a program
// that was built with the tag openssl. Its error says why such a program goes without
// libcrypto.
func RSA() (string, error) {
	if err := libcryptoWorks(); err != nil {
		return goRSAName, err
	}
	return C.GoString(C.OpenSSL_version(C.OPENSSL_VERSION)), nil
}
