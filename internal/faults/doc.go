// Package faults is the kit for fault tests: it starts real processes of the service,
// puts a proxy that can be hurt between them and their database, drives them with
// clients that write down what they were told, and checks afterwards that the service
// kept its word.
//
// It hides how a fault is made (a connection reset at the right byte, a black hole, a
// process that dies between two instructions) and how one judges a run whose outcome
// nobody knows exactly: a request without an answer may have happened or not, and what
// is not a contradiction is not reported. It promises that no proxy, process or
// goroutine outlives the test that started it, that the ledger is on disk before a
// request leaves and before its answer is used, and that no secret is written to it.
//
// A fault test has five parts:
//
//	func TestMain(m *testing.M) { os.Exit(faults.Run(m)) }
//
//	func TestLostCommit(t *testing.T) {
//		proxy := faults.StartProxy(t, databaseAddress)       // 1. something to hurt
//		a := faults.Start(t, faults.Build(t), map[string]string{
//			"DATABASE_DRIVER": "postgresql", "DATABASE_PORT": proxy.Port(), ...,
//		})
//		if _, err := a.Ready(10 * time.Second); err != nil {
//			t.Fatal(err)
//		}
//		ledger := faults.NewLedger(t, filepath.Join(t.TempDir(), "ledger"))
//		admin := faults.NewClient(faults.ClientConfig{Ledger: ledger.With("admin"), URL: a.URL})
//		... admin.Authorize(ctx, "admin", password)
//
//		proxy.OnRequest(faults.Once(faults.IsCommit, faults.CutReply)) // 2. the fault
//		admin.CreateUser(ctx, api.CreateUserRequest{...})    // 3. load: errors are in the ledger
//		proxy.OnRequest(nil)                                 // 4. healing
//		state, err := admin.ReadState(ctx)
//		...
//		faults.Expect(t, ledger, state, admin)               // 5. the judgement
//	}
//
// The faults that are made, by the numbers of the plan, and the tests that make them:
//
//	R1   kill -9 under mixed writes              TestKill
//	R2   two nodes begin, or rotate, together    TestColdStart, TestTwoRotations, TestKilledRotation, TestLease
//	R3   killed at any moment of a migration     TestKilledMigration
//	R4   the database server goes away           TestOutage
//	R5   it hangs, or the network is slow        TestStall
//	R6   a standby is promoted                   TestFailover
//	R7   an answer is lost after its commit      TestLostReply, TestLostRefresh
//	R8   the disk is full, or nobody reads the   TestDiskFull, TestDiskFullOfServer, TestBlockedLog
//	     log
//	R9   a clock is wrong, or steps back         TestClocks in identitytest
//	R10  more come than can hash, or have a      TestStorm
//	     connection to the database
//	R11  many nodes start at once, on an empty   TestColdStart
//	     database or one of an earlier version
//	R12  SIGTERM under load                      TestDrain
//	R13  the encryption key is wrong, or the     TestEncryptionKey, TestTwoEncryptionKeys, TestKilledRewrap
//	     rewrap is killed
//	R14  a stored key is damaged                 TestDamagedKey
//	R15  what nobody comes back for piles up     TestAbandoned in identitytest
//	R16  one refresh token on two nodes; ended   TestSameRefresh, TestEndedElsewhere, TestDisable
//	     or disabled on one, used on the other
//	R17  many send and read slowly               TestSlow
//	R18  idle connections beyond the limit; no   TestIdle, TestFewOpenFiles
//	     file can be opened any more
//	R19  large bodies, at once and in a row      TestLargeBodies
//	R20  databases of every earlier version      TestGolden
//	R21  a backup of yesterday is restored       TestRestored
//	R22  any of them, at random, for an hour     command soak
//
// The ledger has to begin before the things it speaks of: a user that the ledger never
// saw made is taken for one that was there all along.
//
// A new fault in the network is another [Action] and its case in the proxy, or another
// method beside [Proxy.Hang]. A new promise of the service is another [Rule], and, where
// it is about another kind of thing, a line in the table of effects in effects.go.
package faults
