package faults_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestNothingOutlivesTheTests kills a test binary whose test has started a process.
func TestNothingOutlivesTheTests(t *testing.T) {
	if binary := os.Getenv("FAULTS_OUTLIVE"); binary != "" {
		p := startService(t, binary)
		fmt.Println("pid", p.PID())
		<-t.Context().Done() // it is killed here
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesTheTests$", "-test.v")
	cmd.Env = append(os.Environ(), "FAULTS_OUTLIVE="+faults.Build(t), "TMPDIR="+t.TempDir()) // it cannot clean up
	out := must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := 0
	for lines := bufio.NewScanner(out); child == 0 && lines.Scan(); {
		if number, found := strings.CutPrefix(lines.Text(), "pid "); found {
			child = must(strconv.Atoi(number))(t)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if child == 0 {
		t.Fatal("the other test binary started nothing")
	}
	eventually(t, "the process is gone", func() bool { return syscall.Kill(child, 0) != nil || zombie(child) })
}

// zombie reports whether a process is dead and only waits for somebody to notice.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}
