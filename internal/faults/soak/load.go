package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const workers = 8

// load is who works in one chapter. Each worker has a user and two machines of its own,
// so that it knows what should work; all share the nodes.
type load struct {
	rate    float64
	workers []*worker
}

// worker does one thing after the other.
type worker struct {
	name          string
	admin, public *faults.Client
	made          int

	user     api.User
	password string
	session  faults.Session
	used     faults.Session // one whose refresh token was used

	machine, signer string // their client ids; the first has a secret, the second a key
	secret          api.CreatedSecret
	key             *faults.Key
}

// deed is something that a worker does, as often as its weight says.
type deed struct {
	weight int
	do     func(*worker, context.Context) error
}

var deeds = []deed{
	{30, (*worker).showSecret},
	{20, (*worker).showSignature},
	{12, (*worker).login},
	{20, (*worker).refresh},
	{4, (*worker).logout},
	{2, (*worker).reuse},
	{2, (*worker).guess},
	{2, (*worker).changePassword},
	{2, (*worker).disable},
	{2, (*worker).replaceSecret},
	{2, (*worker).replaceUser},
	{2, (*worker).replaceMachines},
}

func newLoad(w *world, chapter int, admin *faults.Client, ledger *faults.Ledger) *load {
	l := &load{rate: w.rate}
	for i := range workers {
		name := fmt.Sprintf("c%d-w%d", chapter, i)
		l.workers = append(l.workers, &worker{
			name: name, admin: admin, key: faults.NewKey(w, jose.EdDSA),
			public: faults.NewClient(faults.ClientConfig{URL: w.url, Ledger: ledger.With(name)}),
		})
	}
	return l
}

// start has all work until ctx ends.
func (l *load) start(ctx context.Context) *sync.WaitGroup {
	var working sync.WaitGroup
	for _, w := range l.workers {
		working.Go(func() {
			// A tick that nobody waits for is dropped: what hangs is not made up for.
			pace := time.NewTicker(time.Duration(float64(time.Second) * workers / l.rate))
			defer pace.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
					// What has begun ends: an unknown outcome is for faults to make.
					w.act(context.WithoutCancel(ctx))
				}
			}
		})
	}
	return &working
}

// act does one thing. What is not there is made first.
func (w *worker) act(ctx context.Context) {
	switch {
	case w.user.ID == "":
		w.makeUser(ctx)
		return
	case w.machine == "" || w.signer == "":
		w.makeMachines(ctx)
		return
	}
	total := 0
	for _, d := range deeds {
		total += d.weight
	}
	n := rand.IntN(total) //nolint:gosec // a die
	for _, d := range deeds {
		if n -= d.weight; n < 0 {
			_ = d.do(w, ctx) // the ledger has it
			return
		}
	}
}

// clients are those that were issued tokens.
func (l *load) clients() (list []*faults.Client) {
	for _, w := range l.workers {
		list = append(list, w.public)
	}
	return list
}

// leave removes what the workers have made, as far as they know, so that no chapter finds
// more in the database than the one before.
func (l *load) leave(ctx context.Context) {
	for _, w := range l.workers {
		w.public.Close()
		_ = w.replaceUser(ctx) // what stays is little
		_ = w.replaceMachines(ctx)
	}
}

func (w *worker) next(what string) string {
	w.made++
	return fmt.Sprintf("%s-%s%d", w.name, what, w.made)
}

func (w *worker) makeUser(ctx context.Context) {
	password := w.next("a long password of ")
	user, err := w.admin.CreateUser(ctx, api.CreateUserRequest{Username: w.next("u"), Password: password})
	if err == nil {
		w.user, w.password = user, password
	}
}

func (w *worker) makeMachines(ctx context.Context) {
	if w.machine == "" {
		id := w.next("m")
		if made, err := w.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: id, Name: id}); err == nil {
			w.machine, w.secret = id, api.CreatedSecret{ClientSecret: made.Secrets[0], Secret: made.ClientSecret}
		}
		return
	}
	id := w.next("s")
	if _, err := w.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: id, Name: id, PublicKey: w.key.Public()}); err == nil {
		w.signer = id
	}
}

func (w *worker) showSecret(ctx context.Context) error {
	_, err := w.public.Token(ctx, faults.Secret(w.machine, w.secret.Secret), "shop")
	return err
}

// showSignature shows an assertion, now and then twice.
func (w *worker) showSignature(ctx context.Context) error {
	proof, err := w.key.Assertion(w.signer, issuer)
	if err != nil {
		return err
	}
	_, err = w.public.Token(ctx, proof, "shop")
	if w.made++; w.made%4 == 0 {
		_, _ = w.public.Token(ctx, proof, "shop")
	}
	return err
}

func (w *worker) login(ctx context.Context) (err error) {
	w.session, err = w.public.Login(ctx, w.user.Username, w.password, "shop")
	w.used = faults.Session{}
	return err
}

// refresh goes on with the session. Where there is no answer the same token is used the
// next time, as clients do.
func (w *worker) refresh(ctx context.Context) error {
	if w.session.RefreshToken == "" {
		return w.login(ctx)
	}
	next, err := w.public.Refresh(ctx, w.session)
	switch {
	case err == nil:
		w.used, w.session = w.session, next
	case status(err) == http.StatusUnauthorized:
		w.session = faults.Session{}
	}
	return err
}

func (w *worker) logout(ctx context.Context) error {
	if w.session.RefreshToken == "" {
		return nil
	}
	ended := w.session
	err := w.public.Logout(ctx, ended)
	w.used, w.session = ended, faults.Session{}
	return err
}

// reuse uses a refresh token that has been used, or whose session was ended.
func (w *worker) reuse(ctx context.Context) error {
	if w.used.RefreshToken == "" {
		return nil
	}
	_, err := w.public.Refresh(ctx, w.used)
	w.used = faults.Session{}
	return err
}

func (w *worker) guess(ctx context.Context) error {
	_, err := w.public.Login(ctx, w.user.Username, "a guess that is wrong", "shop")
	return err
}

func (w *worker) changePassword(ctx context.Context) error {
	replacement := w.next("another long password of ")
	err := w.public.ChangePassword(ctx, w.user.Username, w.password, replacement)
	if err == nil {
		w.password, w.session = replacement, faults.Session{}
		return nil
	}
	return w.doubt(err)
}

// disable disables a user, has them try, and enables them again.
func (w *worker) disable(ctx context.Context) error {
	if err := w.admin.EnableUser(ctx, w.user, false); err != nil {
		return w.doubt(err)
	}
	_, _ = w.public.Login(ctx, w.user.Username, w.password, "shop")
	if w.session.RefreshToken != "" {
		_, _ = w.public.Refresh(ctx, w.session)
	}
	w.session = faults.Session{}
	return w.doubt(w.admin.EnableUser(ctx, w.user, true))
}

// doubt has another user take over from one of whom nobody knows what is true.
func (w *worker) doubt(err error) error {
	if err != nil {
		w.user, w.session, w.used = api.User{}, faults.Session{}, faults.Session{}
	}
	return err
}

// replaceSecret makes a secret and removes the one before.
func (w *worker) replaceSecret(ctx context.Context) error {
	made, err := w.admin.AddSecret(ctx, w.machine, w.next("label"))
	if err != nil {
		w.machine = ""
		return err
	}
	former := w.secret
	w.secret = made
	if err = w.admin.DeleteSecret(ctx, w.machine, former.ClientSecret); err != nil {
		w.machine = ""
	}
	return err
}

func (w *worker) replaceUser(ctx context.Context) error {
	if w.user.ID == "" {
		return nil
	}
	former := w.user
	w.used = w.session // whoever is deleted has no session
	w.user, w.session = api.User{}, faults.Session{}
	return w.admin.DeleteUser(ctx, former)
}

func (w *worker) replaceMachines(ctx context.Context) (err error) {
	for _, id := range []string{w.machine, w.signer} {
		if id != "" {
			err = errors.Join(err, w.admin.DeleteClient(ctx, id))
		}
	}
	w.machine, w.signer = "", ""
	return err
}

// status is that of a refusal, 0 of anything else.
func status(err error) int {
	if refused := (*faults.StatusError)(nil); errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}
