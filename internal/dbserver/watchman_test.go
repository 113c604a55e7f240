package dbserver_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

const victim = "DBSERVER_TEST_VICTIM"

// TestVictim is what TestKilled kills.
func TestVictim(t *testing.T) {
	kind := dbserver.Kind(os.Getenv(victim))
	if kind == "" {
		return
	}
	s := dbserver.Start(t, kind, dbserver.Options{})
	s.Pause(t)
	fmt.Println("paused")
	select {}
}

// TestKilled kills a test binary whose server is paused, and looks what is left.
func TestKilled(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		t.Parallel()
		home := t.TempDir()
		for at := home; at != os.TempDir() && at != "/"; at = at[:strings.LastIndexByte(at, '/')] {
			os.Chmod(at, 0o755)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
		cmd.Env = append(os.Environ(), victim+"="+string(kind), "TMPDIR="+home)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		if line, _ := bufio.NewReader(out).ReadString('\n'); line != "paused\n" {
			t.Fatalf("the victim says %q", line)
		}
		paused, _ := filepath.Glob(filepath.Join(home, "*", "*", "paused"))
		if len(paused) != 1 {
			t.Fatalf("no server is paused: nothing would be proved")
		}
		text, err := os.ReadFile(paused[0])
		if err != nil {
			t.Fatal(err)
		}
		pids := strings.Fields(string(text))
		if running(pids) == "" {
			t.Fatal("the server is not seen to run: nothing would be proved")
		}
		cmd.Process.Kill()
		deadline := time.Now().Add(20 * time.Second)
		for {
			left, _ := os.ReadDir(home)
			processes := running(pids)
			if len(left) == 0 && processes == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("left behind: %v\n%s", left, processes)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// running lists those of the processes that have not ended.
func running(pids []string) string {
	out, _ := exec.Command("ps", "-o", "pid=,stat=,args=", "-p", strings.Join(pids, ",")).Output()
	var found string
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "<defunct>") {
			found += line
		}
	}
	return found
}
