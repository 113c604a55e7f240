package identitytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// BenchmarkRecordedChange is an administrative change, with its event, while the audit is
// sealed and while it is not: what sealing costs who makes it. The service seals twice a
// second; here somebody does all the time, four times as often.
func BenchmarkRecordedChange(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(fmt.Sprintf("sealed=%v", sealed), func(b *testing.B) {
			s := identitytest.New(b)
			user, bearer := s.AddUser("ann", "a long enough password"), "Bearer "+s.AdminToken()
			over, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for sealed {
					select {
					case <-over:
						return
					case <-time.After(125 * time.Millisecond):
					}
					if _, err := s.Installation.Sealer.Seal(b.Context()); err != nil {
						b.Error(err)
						return
					}
				}
			}()
			n := 0
			for b.Loop() {
				n++
				if r := s.Do("PATCH", "/api/users/"+user.ID, fmt.Sprintf(`{"metadata":{"n":"%d"}}`, n), "Authorization", bearer, "Content-Type", "application/merge-patch+json"); r.Status != 200 {
					b.Fatalf("%d: %s", r.Status, r.Body)
				}
			}
			close(over)
			<-ended
		})
	}
}
