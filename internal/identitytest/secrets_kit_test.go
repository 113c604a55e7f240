package identitytest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	ours "github.com/seed-60f9e3ad/identity/internal/jose"
)

// client makes a client and returns its id and, if it has one, its generated secret.
func (d *driver) client(id string, members map[string]any) (string, string) {
	d.t.Helper()
	body := map[string]any{"name": "n"}
	if id != "" {
		body["client_id"] = id
	}
	maps.Copy(body, members)
	made := d.Post("/api/clients", body, "Authorization", "Bearer "+d.admin)
	if made.Status != http.StatusCreated {
		d.t.Fatalf("making a client: status %d\n%s", made.Status, made.Body)
	}
	d.account(made)
	o := d.Object(made)
	secret, _ := o["client_secret"].(string)
	return o["client_id"].(string), secret
}

// user makes a user with a password and returns the name, userID the id.
func (d *driver) user(members map[string]any) string {
	d.t.Helper()
	return d.newUser(members)["username"].(string)
}

func (d *driver) userID(members map[string]any) string {
	d.t.Helper()
	return d.newUser(members)["id"].(string)
}

func (d *driver) newUser(members map[string]any) map[string]any {
	d.t.Helper()
	body := map[string]any{"username": "user-" + strings.ToLower(rand.Text()), "password": d.marked()}
	maps.Copy(body, members)
	return d.created("/api/users", "/api/users", body)
}

func (d *driver) administratorID() string {
	d.t.Helper()
	user, err := d.Installation.DB.UserByName(d.t.Context(), d.AdminUsername)
	d.must(err)
	return user.ID
}

// hashOf is a hash that only the database may have.
func (d *driver) hashOf(password string) string {
	d.t.Helper()
	pool, err := argon2.New(argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}})
	d.must(err)
	hash, err := pool.Hash(d.t.Context(), argon2.Party{}, []byte(password))
	d.must(err)
	d.keepHash(hash)
	return hash
}

// keepHash looks for a hash everywhere but in the database.
func (d *driver) keepHash(hash string) {
	tag := hash[strings.LastIndex(hash, "$")+1:]
	d.inside.Add("a hash, "+tag[:4], tag)
}

// keepHashes looks for all hashes that the database has.
func (d *driver) keepHashes() {
	d.t.Helper()
	for row := range strings.SplitSeq(string(d.Dump()), "\n") {
		for field := range strings.SplitSeq(row, ",") {
			if strings.HasPrefix(field, "$argon2") {
				d.keepHash(field)
			}
		}
	}
}

// keepPrivate looks for a private key in every form that it has: its lines, its bytes, and
// the numbers that make it private.
func (d *driver) keepPrivate(name string, key ours.PrivateKey) {
	d.t.Helper()
	lines := strings.Split(strings.TrimSpace(pemOf(key)), "\n")
	body := lines[1 : len(lines)-1]
	d.keep(name+", in PEM", strings.Join(body, "\n"))
	d.keep(name+", a line of PEM", body[len(body)/2])
	switch private := d.private(key).(type) {
	case *ecdsa.PrivateKey:
		number, err := private.Bytes()
		d.must(err)
		d.keep(name+", its number", string(number))
	case ed25519.PrivateKey:
		d.keep(name+", its seed", string(private.Seed()))
	case *rsa.PrivateKey:
		d.keep(name+", its exponent", string(private.D.Bytes()))
		d.keep(name+", a prime", string(private.Primes[0].Bytes()))
	}
}

func (d *driver) private(key ours.PrivateKey) any {
	d.t.Helper()
	private, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	d.must(err)
	return private
}

func pemOf(key ours.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
}

// privateJWK is a private key as a JWK, which somebody might take for a public one.
func (d *driver) privateJWK(key ours.PrivateKey) map[string]any {
	d.t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: d.private(key)})
	d.must(err)
	var members map[string]any
	d.must(json.Unmarshal(text, &members))
	return members
}

// static makes the static signature of a client.
func (d *driver) static(key ours.PrivateKey, clientID string) string {
	d.t.Helper()
	sum := sha256.Sum256([]byte(clientID))
	signature, err := rsa.SignPSS(rand.Reader, d.private(key).(*rsa.PrivateKey), crypto.SHA256, sum[:], nil)
	d.must(err)
	return base64.StdEncoding.EncodeToString(signature)
}

func (d *driver) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}
