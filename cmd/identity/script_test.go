package main_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

// TestMain builds the program once. The scripts run that binary, with a stand-in
// for curl, so that they need nothing that Go does not bring.
func TestMain(m *testing.M) {
	testscript.Main(buildFirst{m}, map[string]func(){"curl": curl})
}

type buildFirst struct{ *testing.M }

var (
	binaries string // the folder of the built program
	source   string // this folder
)

func (m buildFirst) Run() int {
	var err error
	if source, err = os.Getwd(); err != nil {
		panic(err)
	}
	if binaries, err = os.MkdirTemp("", "identity-test-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries)
	build := exec.Command("go", "build", "-o", binaries, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return dbserver.Main(m.M)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binaries+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TMPDIR", env.Getenv("WORK")+"/tmp")
			env.Values[processes{}] = map[string]*process{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "ready": ready, "halt": halt, "paste": paste, "capture": capture,
			"foreign": foreign, "certificate": certificate, "page": page, "database": database(t), "secured": secured(t), "restorable": restorable(t), "reap": reap,
		},
		Condition:           here(t),
		RequireExplicitExec: true,
	})
}

// process is a program that a script started.
type process struct {
	*exec.Cmd
	done chan error
}

type processes struct{}

func running(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processes{}).(map[string]*process)
}

// start NAME PROGRAM ARGS... starts a program; its output goes to NAME.out and
// NAME.err.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM ARGS...")
	}
	program, err := exec.LookPath(filepath.Join(binaries, args[1]))
	ts.Check(err)
	p := &process{exec.Command(program, args[2:]...), make(chan error, 1)}
	p.Dir = ts.Getenv("WORK")
	p.Env = environment(ts)
	open := func(suffix string) *os.File {
		f, err := os.Create(ts.MkAbs(args[0] + suffix))
		ts.Check(err)
		return f
	}
	out, errOut := open(".out"), open(".err")
	p.Stdout, p.Stderr = out, errOut
	ts.Check(p.Start())
	go func() {
		err := p.Wait()
		out.Close()
		errOut.Close()
		p.done <- err
	}()
	running(ts)[args[0]] = p
	ts.Defer(func() { _ = p.Process.Kill() })
}

// environment is the script's, with the variables of the service that it set.
func environment(ts *testscript.TestScript) []string {
	env := []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TMPDIR=" + ts.Getenv("TMPDIR")}
	for _, name := range []string{"PORT", "HOST", "OPS_PORT", "DATABASE_PATH", "DATABASE_DRIVER", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_USERNAME",
		"DATABASE_PASSWORD", "DATABASE_NAME", "DATABASE_SCHEMA_NAME", "DATABASE_CONNECTION_POOL_SIZE", "DATABASE_CONNECTION_MAX_OVERFLOW",
		"DATABASE_SSL_MODE", "DATABASE_SSL_ROOT_CERT", "DATABASE_SSL_CERT", "DATABASE_SSL_KEY", "ENCRYPTION_KEY", "ENCRYPTION_KEY_FILE",
		"ADMIN_USERNAME", "ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE", "JWT_ISSUER", "JWT_ALGORITHM", "TLS_CERT_FILE", "TLS_KEY_FILE", "LOG_LEVEL", "LOG_FORMAT", "HASH_MEMORY", "MAX_CONNECTIONS", "AUDIT_RETENTION_DAYS"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

var listening = regexp.MustCompile(`(?m)listening.*addr"?[=:]"?(\S+?:(\d+))[",\s]`)

// ready NAME waits until the program listens, and sets URL to where.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready NAME")
	}
	p := running(ts)[args[0]]
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m := listening.FindStringSubmatch(ts.ReadFile(args[0] + ".err")); m != nil {
			ts.Setenv("URL", "http://127.0.0.1:"+m[2])
			ts.Setenv("PORT_TAKEN", m[2])
			return
		}
		select {
		case err := <-p.done:
			ts.Fatalf("it ended: %v\n%s", err, ts.ReadFile(args[0]+".err"))
		default:
		}
	}
	ts.Fatalf("it does not listen:\n%s", ts.ReadFile(args[0]+".err"))
}

// halt NAME asks the program to end and demands that it does so with exit code 0.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: halt NAME")
	}
	p := running(ts)[args[0]]
	ts.Check(p.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.done:
		if err != nil {
			ts.Fatalf("it ended with %v\n%s", err, ts.ReadFile(args[0]+".err"))
		}
	case <-time.After(time.Minute):
		ts.Fatalf("it does not end")
	}
}

// paste FILE TITLE runs the lines that stand in the file under the title, as a person
// would who copies them into a shell. Their output is stdout for the script.
func paste(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: paste FILE TITLE")
	}
	_, after, found := strings.Cut(ts.ReadFile(args[0]), args[1])
	if !found {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	_, after, _ = strings.Cut(after, "\n\n")
	lines, _, _ := strings.Cut(after, "\n\n")
	ts.Check(ts.Exec("sh", "-e", "-c", lines))
}

// capture VAR REGEXP FILE sets a variable to the regexp's first group.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture VAR REGEXP FILE")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile(args[2]))
	if m == nil {
		ts.Fatalf("nothing in %s matches", args[2])
	}
	ts.Setenv(args[0], m[1])
}

// curl is as much of curl as the printed lines use: -s, -X, -H and -d, and -w with the
// status.
func curl() {
	flags := flag.NewFlagSet("curl", flag.ExitOnError)
	_ = flags.Bool("s", false, "")
	after := flags.String("w", "", "")
	method := flags.String("X", "", "")
	data := flags.String("d", "", "")
	header := http.Header{}
	flags.Func("H", "", func(line string) error {
		name, value, _ := strings.Cut(line, ":")
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	// The address may stand before the flags.
	args := os.Args[1:]
	var address string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			os.Exit(2)
		}
		if flags.NArg() == 0 {
			break
		}
		address, args = flags.Arg(0), flags.Args()[1:]
	}
	os.Exit(request(*method, address, *data, header, *after))
}

func request(method, address, data string, header http.Header, after string) int {
	if method == "" {
		method = http.MethodGet
		if data != "" {
			method = http.MethodPost
		}
	}
	r, err := http.NewRequest(method, address, bytes.NewReader([]byte(data)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	r.Header = header
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 7
	}
	defer response.Body.Close()
	_, _ = io.Copy(os.Stdout, response.Body)
	fmt.Print(strings.NewReplacer("%{http_code}", fmt.Sprint(response.StatusCode), `\n`, "\n").Replace(after))
	return 0
}
