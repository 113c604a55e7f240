package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// onTerminal is the program with somebody at a terminal before it.
type onTerminal struct {
	*testing.T
	env []string
}

// openTerminal makes a pseudo-terminal (pty(7)): person is the end of who sits there.
func (o onTerminal) openTerminal() (person, terminal *os.File) {
	o.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { person.Close() })
	var unlocked, number int32
	o.ioctl(person, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	o.ioctl(person, syscall.TIOCGPTN, unsafe.Pointer(&number))
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { terminal.Close() })
	// Otherwise Ctrl-C throws away what has been shown, and with it what the program
	// says of it, if that is faster than the throwing away (termios(3)).
	var state syscall.Termios
	o.ioctl(terminal, syscall.TCGETS, unsafe.Pointer(&state))
	state.Lflag |= syscall.NOFLSH
	o.ioctl(terminal, syscall.TCSETS, unsafe.Pointer(&state))
	return person, terminal
}

func (o onTerminal) ioctl(f *os.File, request uintptr, value unsafe.Pointer) {
	o.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(value)); errno != 0 {
		o.Fatal(errno)
	}
}

// waitHidden waits until the terminal does not show what is typed.
func (o onTerminal) waitHidden(person *os.File) {
	o.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var state syscall.Termios
		if o.ioctl(person, syscall.TCGETS, unsafe.Pointer(&state)); state.Lflag&syscall.ECHO == 0 {
			return
		}
	}
	o.Error("the terminal shows what is typed")
}

// talk runs the program. dialogue alternates between what it must ask and what the
// person types. It returns what the terminal showed, what went to standard output, and
// the exit code.
func (o onTerminal) talk(args []string, dialogue ...string) (shown, output string, code int) {
	o.Helper()
	person, terminal := o.openTerminal()
	var stdout bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, "identity"), args...)
	cmd.Env, cmd.Stdin, cmd.Stderr, cmd.Stdout = o.env, terminal, terminal, &stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		o.Fatal(err)
	}
	terminal.Close()
	watchdog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var seen []byte
	unanswered := 0 // where in seen the next question is looked for
	chunk := make([]byte, 1024)
	for {
		n, err := person.Read(chunk)
		seen = append(seen, chunk[:n]...)
		for len(dialogue) >= 2 {
			at := bytes.Index(seen[unanswered:], []byte(dialogue[0]))
			if at < 0 {
				break
			}
			unanswered += at + len(dialogue[0])
			if strings.HasSuffix(dialogue[0], ": ") {
				o.waitHidden(person)
			}
			if _, err := person.WriteString(dialogue[1]); err != nil {
				o.Fatal(err)
			}
			dialogue = dialogue[2:]
		}
		if err != nil { // EIO: nobody has the terminal any more
			break
		}
	}
	_ = cmd.Wait()
	if len(dialogue) > 0 {
		o.Errorf("%v did not ask %q:\n%s", args, dialogue[0], seen)
	}
	return string(seen), stdout.String(), cmd.ProcessState.ExitCode()
}

// want demands an exit code, and what the terminal must have shown.
func (o onTerminal) want(args []string, dialogue []string, code int, shown string) (output string) {
	o.Helper()
	screen, output, got := o.talk(args, dialogue...)
	if got != code || !strings.Contains(screen, shown) {
		o.Errorf("%v ends with %d, expected %d and %q:\n%s", args, got, code, shown, screen)
	}
	for _, canary := range []string{"canary", "horse"} {
		if strings.Contains(screen, canary) {
			o.Errorf("%v shows what was typed hidden:\n%s", args, screen)
		}
	}
	return output
}

// TestTerminal is what a person is asked, and what they see.
func TestTerminal(t *testing.T) {
	folder := t.TempDir()
	o := onTerminal{t, []string{"HOME=" + folder, "DATABASE_PATH=" + folder + "/identity.db", "PORT=0", "HOST=127.0.0.1", "TERM=dumb"}}
	url := o.serve(folder)

	create := []string{"user", "create", "ann"}
	o.want(create, []string{"New password: ", "horse battery canary\n", "The same again: ", "horse battery other\n"}, 1, "the two are not the same")
	o.want(create, []string{"New password: ", "horse\x03"}, 1, "interrupted")
	o.want(create, []string{"New password: ", "horse battery canary\n", "The same again: ", "horse battery canary\n"}, 0, "")

	destroy := []string{"user", "delete", "ann"}
	const question = "Delete the user ann? They get no more tokens"
	o.want(destroy, []string{"[y/N] ", "\n"}, 1, "nothing was changed")
	o.want(destroy, []string{"[y/N] ", "no\n"}, 1, "nothing was changed")
	o.want(destroy, []string{"[y/N] ", "\x03"}, 1, "interrupted; nothing was changed")
	if output := o.want([]string{"user", "list", "--prefix", "ann"}, nil, 0, ""); !strings.Contains(output, " ann ") {
		t.Errorf("ann is gone:\n%s", output)
	}
	o.want(destroy, []string{question, "", "[y/N] ", "y\n"}, 0, "Deleted the user ann.")
	if output := o.want([]string{"user", "list", "--prefix", "ann"}, nil, 0, ""); strings.Contains(output, " ann ") {
		t.Errorf("ann is still there:\n%s", output)
	}

	// Who has a one-time password is asked for another, and is in.
	fields := strings.Fields(o.want([]string{"bootstrap", "admin", "bea"}, nil, 0, "The password works once"))
	once := fields[len(fields)-1]
	login := []string{"login", url, "--username", "bea"}
	o.want(login, []string{
		"Password: ", once + "\n", "This password works once. Choose another.", "",
		"New password: ", "horse battery canary\n", "The same again: ", "horse battery canary\n",
	}, 0, "Commands now work on "+url)
	o.want([]string{"password", url, "--username", "bea"}, []string{
		"Password: ", "horse battery canary\n", "New password: ", "another horse canary\n", "The same again: ", "another horse canary\n",
	}, 0, "The password is changed.")
	o.want(login, []string{"Password: ", "horse battery canary\n"}, 2, "credentials are not valid")
	o.want(login, []string{"Password: ", "another horse canary\n"}, 0, "Commands now work on "+url)
	o.want([]string{"logout"}, nil, 0, "The session has ended")
	o.want([]string{"session", "end", "--all"}, []string{"End every session? Everybody has to log in again. [y/N] ", "n\n"}, 1, "nothing was changed")

	// What takes time is seen to go on.
	former, err := os.ReadFile(folder + "/identity.db.key")
	if err != nil {
		t.Fatal(err)
	}
	o.env = append(o.env, "ENCRYPTION_KEY="+seal.GenerateKey().Reveal()+","+strings.TrimSpace(string(former)))
	const bar = "\rRewrapping [####################..........] 2/3\rRewrapping [##############################] 3/3\r\n"
	o.want([]string{"key", "rewrap"}, nil, 0, bar+"Values rewrapped: 3.")
}

// serve runs the service and returns its address.
func (o onTerminal) serve(folder string) (url string) {
	o.Helper()
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		o.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(binaries, "identity"), "serve")
	cmd.Env, cmd.Stderr = o.env, log
	if err := cmd.Start(); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			o.Fatal(err)
		}
		if m := listening.FindSubmatch(text); m != nil {
			return "http://127.0.0.1:" + string(m[2])
		}
	}
	o.Fatal("the service does not listen")
	return ""
}
