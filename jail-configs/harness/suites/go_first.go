// Package FIRST runs one test of those that it is linked with, and says on standard output that it has passed. It is
// initialised before any package of the program, and takes then what the program is not to read: the token.
package FIRST

import (
	"flag"
	"io"
	"os"
	"syscall"
	"testing"
)

const setDumpable = 4 // of prctl

var (
	name, token       string
	line              int
	known             = map[string]func(*testing.T){}
	returned, skipped bool
)

func init() {
	// Nothing may read the memory of this process through its files.
	if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setDumpable, 0, 0); failed != 0 {
		os.Exit(1)
	}
	name, token = read(), read()
	var err error
	if line, err = syscall.Dup(1); err != nil {
		os.Exit(1)
	}
	if err = syscall.Dup2(2, 1); err != nil {
		os.Exit(1)
	}
}

func read() string {
	var whole []byte
	one := make([]byte, 1)
	for {
		if n, err := syscall.Read(0, one); err == syscall.EINTR || err == syscall.EAGAIN {
			continue
		} else if n != 1 {
			os.Exit(1)
		}
		if one[0] == '\n' {
			return string(whole)
		}
		whole = append(whole, one[0])
	}
}

// Known tells of a test.
func Known(name string, test func(*testing.T)) { known[name] = test }

// Run runs the one that was asked for.
func Run(t *testing.T) {
	t.Run(name, func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		known[name](t)
		returned = true
	})
}

// Main runs nothing but Run, and says how that went. Of a test that failed the judge makes an end at once.
func Main(m *testing.M) {
	flag.Parse()
	flag.Set("test.run", "^Test_FIRST$")
	code := m.Run()
	if code == 0 && returned && !skipped {
		say(" passed\n")
		os.Exit(0)
	}
	if skipped {
		say(" failed the test was skipped\n")
	} else {
		say(" failed the test failed: what it said is in stderr\n")
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

func say(what string) {
	data := []byte("\n" + token + what)
	for len(data) > 0 {
		n, err := syscall.Write(line, data)
		if err != nil && err != syscall.EINTR && err != syscall.EAGAIN {
			os.Exit(1)
		}
		if n > 0 {
			data = data[n:]
		}
	}
}
