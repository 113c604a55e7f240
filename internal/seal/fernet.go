package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"time"
)

// A token is version ‖ time ‖ IV ‖ ciphertext ‖ HMAC, in url-safe base64
// (Fernet specification, "Token Format").
const (
	fernetVersion = 0x80
	timeEnd       = 1 + 8 // the time: seconds since 1970, big-endian
	ivEnd         = timeEnd + aes.BlockSize
	macLength     = sha256.Size
)

// Wrap encrypts dataKey as a Fernet token under the key, with a random IV.
func (k FernetKey) Wrap(dataKey []byte) (string, error) {
	var iv [aes.BlockSize]byte
	_, _ = rand.Read(iv[:])                                  // never fails: crypto/rand aborts the program instead
	return k.encrypt(dataKey, uint64(time.Now().Unix()), iv) //nolint:gosec // times before 1970 do not occur
}

// Unwrap decrypts a Fernet token. It fails with ErrDamaged for whatever is not
// a token made under this key; the error does not say whether the key or the
// token is the wrong one, which cannot be known.
func (k FernetKey) Unwrap(token string) ([]byte, error) {
	raw, err := base64.URLEncoding.Strict().DecodeString(token)
	// The decoder skips line breaks: a token with some is not canonical.
	if err != nil || base64.URLEncoding.EncodedLen(len(raw)) != len(token) {
		return nil, fmt.Errorf("%w: not padded url-safe base64", ErrDamaged)
	}
	if len(raw) < ivEnd+macLength {
		return nil, fmt.Errorf("%w: too short for a Fernet token", ErrDamaged)
	}
	defer clear(raw) // it is decrypted in place

	mac, block, err := k.ciphers()
	if err != nil {
		return nil, err
	}
	// "Verifying": nothing in the token is looked at before its HMAC.
	body, tag := raw[:len(raw)-macLength], raw[len(raw)-macLength:]
	mac.Write(body)
	if !hmac.Equal(tag, mac.Sum(nil)) {
		return nil, fmt.Errorf("%w: not a Fernet token under this key", ErrDamaged)
	}
	if body[0] != fernetVersion {
		return nil, fmt.Errorf("%w: not Fernet version 0x80", ErrDamaged)
	}
	iv, text := body[timeEnd:ivEnd], body[ivEnd:]
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: the ciphertext does not fill blocks", ErrDamaged)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	plaintext, ok := unpad(text)
	if !ok {
		return nil, fmt.Errorf("%w: bad padding", ErrDamaged)
	}
	return bytes.Clone(plaintext), nil
}

// encrypt makes a token with the given time and IV.
func (k FernetKey) encrypt(plaintext []byte, seconds uint64, iv [aes.BlockSize]byte) (string, error) {
	mac, block, err := k.ciphers()
	if err != nil {
		return "", err
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	raw := make([]byte, 0, ivEnd+len(plaintext)+padding+macLength)
	raw = append(raw, fernetVersion)
	raw = binary.BigEndian.AppendUint64(raw, seconds)
	raw = append(raw, iv[:]...)
	raw = append(raw, plaintext...)
	for range padding {
		raw = append(raw, byte(padding))
	}
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(raw[ivEnd:], raw[ivEnd:])
	mac.Write(raw)
	return base64.URLEncoding.EncodeToString(mac.Sum(raw)), nil
}

// ciphers returns HMAC-SHA256 under the first half of the key and AES under the
// second (Fernet specification, "Key Format").
func (k FernetKey) ciphers() (hash.Hash, cipher.Block, error) {
	material := []byte(k.material.Reveal())
	defer clear(material)
	half := len(material) / 2
	block, err := aes.NewCipher(material[half:])
	if err != nil {
		return nil, nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	return hmac.New(sha256.New, material[:half]), block, nil
}

// unpad strips the padding of RFC 5652 section 6.3: n bytes of the value n,
// 1 to 16, from whole blocks. It need not be constant-time, for the HMAC has been verified.
func unpad(text []byte) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, false
	}
	plaintext, padding := text[:len(text)-n], text[len(text)-n:]
	return plaintext, bytes.Count(padding, padding[:1]) == n
}
