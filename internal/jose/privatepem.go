package jose

import (
	"crypto/x509"
	"errors"
)

var errPrivateKeyText = errors.New("the private key must be one PEM block of type PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY")

// ParsePrivateKey reads a private key of at most 16 KiB from PEM with nothing
// but white space around it: PKCS#8 (PRIVATE KEY), PKCS#1 (RSA PRIVATE KEY) or
// SEC 1 (EC PRIVATE KEY, perhaps after the EC PARAMETERS that openssl writes).
// Encrypted keys are refused.
func ParsePrivateKey(pem []byte) (PrivateKey, error) {
	if len(pem) > maxKeyText {
		return PrivateKey{}, errors.New("the private key must have at most 16 KiB")
	}
	block, rest, ok := firstPEM(pem)
	if ok && block.Type == "EC PARAMETERS" {
		// The key that follows names its curve itself.
		block, rest, ok = firstPEM(rest)
		ok = ok && block.Type == "EC PRIVATE KEY"
	}
	if !ok || len(rest) > 0 {
		return PrivateKey{}, errPrivateKeyText
	}
	// RFC 1421 section 4.6: Proc-Type and DEK-Info mark an encrypted body.
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" || block.Headers["Proc-Type"] != "" {
		return PrivateKey{}, errors.New("the private key is encrypted: decrypt it first, for example with openssl pkey")
	}
	if len(block.Headers) > 0 {
		return PrivateKey{}, errPrivateKeyText
	}
	switch block.Type {
	case "PRIVATE KEY":
		return ParsePKCS8(block.Bytes)
	case "RSA PRIVATE KEY":
		return parsePrivateDER(block.Bytes, x509.ParsePKCS1PrivateKey)
	case "EC PRIVATE KEY":
		return parsePrivateDER(block.Bytes, x509.ParseECPrivateKey)
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return PrivateKey{}, errors.New("a public key or certificate was sent where a private key belongs")
	case "OPENSSH PRIVATE KEY":
		return PrivateKey{}, errors.New("the private key is in OpenSSH's own form: convert it to PKCS#8")
	default:
		return PrivateKey{}, errPrivateKeyText
	}
}
