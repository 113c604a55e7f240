package seal

// EncryptAt makes a Fernet token with the given time and IV, as the
// specification's vectors need.
func EncryptAt(k *FernetKey, plaintext []byte, seconds uint64, iv [16]byte) (string, error) {
	return k.encrypt(plaintext, seconds, iv)
}
