package clientkeys_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// Keys count for 5 minutes, and not a moment longer: a key that was withdrawn is gone then.
func TestKeysGetOld(t *testing.T) {
	old, oldKID := newKey(t)
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(old)))
	k.gets(oldKID, 1, oldKID)
	k.nowAnswers(answers(setOf(jwk)))
	k.pass(5*time.Minute - 1)
	k.gets(oldKID, 1, oldKID)
	k.pass(1)
	k.gets(oldKID, 2, kid)
	k.nowAnswers(answers(setOf()))
	k.pass(5 * time.Minute)
	k.gets(kid, 3) // none is an answer too
	if f := k.f.Stats(); f != (clientkeys.Stats{Fetched: 3}) {
		t.Errorf("%+v", f)
	}
}

// An answer that takes a minute is a minute old, and the rest of who gave it begins then.
func TestSlowAnswersAreOld(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, nil)
	k.nowAnswers(func(w http.ResponseWriter, r *http.Request) {
		k.pass(time.Minute)
		answers(setOf(jwk))(w, r)
	})
	k.gets(kid, 1, kid)
	k.pass(30*time.Second - 1)
	k.gets("made up", 1, kid)
	k.pass(4*time.Minute - 30*time.Second)
	k.gets(kid, 1, kid)
	k.pass(1)
	k.gets(kid, 2, kid)
	k.nowAnswers(func(w http.ResponseWriter, r *http.Request) {
		k.pass(time.Minute)
		down(w, r)
	})
	k.pass(4 * time.Minute)
	k.gets(kid, 3, kid)
	k.pass(30*time.Second - 1)
	k.gets(kid, 3, kid)
	k.pass(1)
	k.gets(kid, 4, kid)
}

// A key is used at once, but nobody can have a URL asked more often than every 30 seconds.
func TestUnknownKeyID(t *testing.T) {
	old, oldKID := newKey(t)
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(old)))
	k.gets(oldKID, 1, oldKID)
	k.nowAnswers(answers(setOf(jwk, old)))
	k.pass(30*time.Second - 1)
	k.gets(kid, 1, oldKID)
	k.pass(1)
	k.gets(oldKID, 1, oldKID)
	k.gets(kid, 2, kid, oldKID)
	for i := range 20 {
		k.gets(fmt.Sprint("made up ", i), 2, kid, oldKID)
		k.pass(time.Second)
	}
	k.pass(10 * time.Second)
	k.gets("made up", 3, kid, oldKID)
	k.gets("made up", 3, kid, oldKID)
}

// An algorithm that no key fits is as unknown as an id.
func TestUnknownAlgorithm(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.gets("", 1, kid)
	k.want.Algorithm = jose.RS256
	k.gets("", 1, kid)
	k.pass(30 * time.Second)
	k.gets("", 2, kid)
	k.gets(kid, 2, kid) // it is there, and is none of RS256
}

// An outage does not stop a client for a day, and what is down is left alone.
func TestOutage(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.gets("", 1, kid)
	k.nowAnswers(down)
	k.pass(5 * time.Minute)
	k.gets("", 2, kid)
	k.pass(30*time.Second - 1)
	k.gets("", 2, kid)
	k.gets("made up", 2, kid)
	k.pass(1)
	k.gets("", 3, kid)
	k.pass(24*time.Hour - 5*time.Minute - 30*time.Second - 1)
	k.gets("", 4, kid)
	k.pass(1) // a day after they were asked for
	k.refused(4, "status 503")
	k.pass(30 * time.Second)
	k.refused(5, "status 503")
	k.pass(30 * time.Second)
	k.nowAnswers(answers(setOf(jwk)))
	k.gets("", 6, kid)
	if f := k.f.Stats(); f != (clientkeys.Stats{Fetched: 2, Failed: 4}) {
		t.Errorf("%+v", f)
	}
	log := k.log.String()
	if strings.Count(log, "level=WARN") != 1 || strings.Count(log, "level=INFO") != 1 || strings.Count(log, "client_id=machine") != 2 || !strings.Contains(log, "last_keys_count=true") {
		t.Errorf("log of an outage with its end: %s", log)
	}
}

// Whoever was never of use is remembered as well.
func TestFailuresAreRemembered(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, down)
	k.refused(1, "status 503")
	k.nowAnswers(answers(setOf(jwk)))
	k.pass(30*time.Second - 1)
	k.refused(1, "status 503")
	k.pass(1)
	k.gets("", 2, kid)
}

// A clock that is set back makes nothing younger.
func TestClockIsSetBack(t *testing.T) {
	jwk, kid := newKey(t)
	other, otherKID := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.gets("", 1, kid)
	k.nowAnswers(answers(setOf(other)))
	k.pass(-time.Hour)
	k.gets("", 2, otherKID)
	k.nowAnswers(down)
	k.pass(-time.Hour)
	k.refused(3, "status 503") // how old the keys are, nobody knows
}

// A key goes by the id under which it is published, or else by its thumbprint.
func TestNamesOfKeys(t *testing.T) {
	first, firstKID := newKey(t)
	second, secondKID := newKey(t)
	third, thirdKID := newKey(t)
	k := newKit(t, answers(setOf(published(first, firstKID, "2030-01"), published(second, secondKID, "2030-02"), strings.Replace(third, `"kid":"`+thirdKID+`",`, "", 1))))
	k.gets("", 1, firstKID, secondKID, thirdKID)
	set, err := k.keys("")
	if err != nil {
		t.Fatal(err)
	}
	for kid, want := range map[string]string{"": firstKID, "2030-01": firstKID, "2030-02": secondKID, thirdKID: thirdKID, firstKID: "", "2030-03": "", "2030-0": ""} {
		key, ok := set.For(kid, jose.EdDSA)
		if key.KID() != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", kid, key.KID(), want)
		}
		if _, ok := set.For(kid, jose.ES256); ok {
			t.Errorf("%q fits another algorithm", kid)
		}
	}
}

// All who come while a request is on its way wait for that one, and none of them ends it
// by leaving.
func TestOneRequestForAll(t *testing.T) {
	const others = 50
	jwk, kid := newKey(t)
	arrived, leave := make(chan struct{}), make(chan struct{})
	k := newKit(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-leave
		answers(setOf(jwk))(w, r)
	})
	var looked atomic.Int64
	allLooked := make(chan struct{})
	k.cfg.Now = func() time.Time {
		if looked.Add(1) == 2+others { // the first one looks at the time twice
			close(allLooked)
		}
		return start
	}
	f := k.fetcher()
	firstContext, firstLeaves := context.WithCancel(t.Context())
	firstResult := make(chan error, 1)
	go func() {
		_, err := f.Keys(firstContext, k.want)
		firstResult <- err
	}()
	<-arrived
	results := make(chan clientkeys.Set, others)
	for range others {
		go func() {
			set, _ := f.Keys(t.Context(), k.want)
			results <- set
		}()
	}
	<-allLooked
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Keys(gone, k.want); !errors.Is(err, context.Canceled) || errors.Is(err, clientkeys.ErrUnavailable) {
		t.Errorf("whoever is gone waits: %v", err)
	}
	brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := f.Keys(brief, k.want); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, clientkeys.ErrUnavailable) {
		t.Errorf("whoever has no more time waits: %v", err)
	}
	firstLeaves()
	close(leave)
	for range others {
		if set := <-results; strings.Join(set.KIDs(), " ") != kid {
			t.Errorf("one got %q", set.KIDs())
		}
	}
	<-firstResult // nil or that it was canceled
	k.requests(1)
}

// Somebody who is away does not keep others waiting, nor does a URL with good keys wait
// for one.
func TestOthersDoNotWait(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.gets("", 1, kid)
	arrived, leave := make(chan struct{}), make(chan struct{})
	k.nowAnswers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			answers(setOf(jwk))(w, r)
			return
		}
		arrived <- struct{}{}
		<-leave
		down(w, r)
	})
	k.pass(time.Minute)
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		k.gets("made up", 3, kid)
	}()
	<-arrived
	k.gets(kid, 2, kid)
	uri := k.want.URI
	k.want.URI = k.server.URL + "/other"
	k.gets("", 3, kid)
	k.want.URI = uri
	close(leave)
	<-waiting
}

// Too many requests at once is nobody's failure, and soon over.
func TestCrowded(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.cfg.Timeout = 500 * time.Millisecond
	leave := k.fetcher().Occupy()
	k.refused(0, "too many others")
	leave()
	k.gets("", 1, kid)
	leave = k.f.Occupy()
	k.pass(5 * time.Minute)
	k.gets("", 1, kid) // the last good keys
	leave()
	k.gets("", 2, kid)
	if f := k.f.Stats(); f != (clientkeys.Stats{Fetched: 2, Crowded: 2}) {
		t.Errorf("%+v", f)
	}
}

// Memory is bounded, and holds whoever is used.
func TestMemoryIsBounded(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.cfg.Logger = discard
	k.gets("", 1, kid)
	mine := k.want.URI
	for i := range clientkeys.MaxPlaces + 10 {
		k.want.URI = fmt.Sprintf("ftp://example.com/%d", i) // is not asked
		k.refused(1, "not one that may be asked")
		k.want.URI = mine
		k.gets("", 1, kid)
	}
	if n := k.f.Places(); n != clientkeys.MaxPlaces {
		t.Errorf("%d URLs are known", n)
	}
	k.want.URI = "ftp://example.com/0"
	k.refused(1, "not one that may be asked")
}

// A request on its way is not forgotten, however many come meanwhile.
func TestNobodyIsForgotten(t *testing.T) {
	jwk, kid := newKey(t)
	arrived, leave := make(chan struct{}), make(chan struct{})
	k := newKit(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-leave
		answers(setOf(jwk))(w, r)
	})
	k.cfg.Logger = discard
	f := k.fetcher()
	done := make(chan clientkeys.Set)
	go func() {
		set, _ := f.Keys(t.Context(), k.want)
		done <- set
	}()
	<-arrived
	for i := range clientkeys.MaxPlaces + 1 {
		if _, err := f.Keys(t.Context(), clientkeys.Wanted{URI: fmt.Sprintf("ftp://example.com/%d", i)}); err == nil {
			t.Fatal("there is no such client")
		}
	}
	close(leave)
	if set := <-done; strings.Join(set.KIDs(), " ") != kid {
		t.Errorf("it got %q", set.KIDs())
	}
	k.gets("", 1, kid)
}

func TestWhatIsMissing(t *testing.T) {
	for _, cfg := range []clientkeys.Config{{}, {Now: time.Now}, {Logger: discard}} {
		if _, err := clientkeys.New(cfg); err == nil {
			t.Errorf("%+v is enough", cfg)
		}
	}
}
