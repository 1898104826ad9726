package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// With few descriptors clients wait to be let in, and do not take those that the
// members' connections need. The proxy runs in a process of its own, with three
// members, whose idle connections take some, too.
func TestClientsLeaveDescriptorsForMembers(t *testing.T) {
	if members := os.Getenv("PROXY_TEST_FEW_DESCRIPTORS"); members != "" {
		low := syscall.Rlimit{Cur: 60, Max: 60}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
			t.Fatal(err)
		}
		p := serve(t, nil, strings.Split(members, " ")...)
		eventually(t, "a warning", func() bool { return strings.Contains(p.notes.String(), "level=WARN") })
		fmt.Println("address", p.addr, strings.ReplaceAll(p.notes.String(), "\n", " "))
		io.Copy(io.Discard, os.Stdin) // until the other process has seen enough
		return
	}
	var members []string
	for range 3 {
		members = append(members, origin(t, func(c net.Conn) {
			for r := bufio.NewReader(c); ; {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				<-time.After(5 * time.Millisecond) // all of the clients inside are waiting at once
				io.WriteString(c, sized("ok"))
			}
		}))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestClientsLeaveDescriptorsForMembers$")
	cmd.Env = append(os.Environ(), "PROXY_TEST_FEW_DESCRIPTORS="+strings.Join(members, " "))
	stop, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stop.Close()
	line, err := bufio.NewReader(said).ReadString('\n')
	found := regexp.MustCompile(`^address (\S+) .*clients=14 limits.connections=10000 descriptors=60 hint="raise ulimit -n`).FindStringSubmatch(line)
	if err != nil || found == nil {
		t.Fatalf("%v, %q: no word of how many are let in", err, line)
	}
	var clients sync.WaitGroup
	for range 100 {
		clients.Go(func() {
			c, err := net.Dial("tcp", found[1])
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			r := bufio.NewReader(c)
			for range 3 {
				io.WriteString(c, get)
				res, err := http.ReadResponse(r, nil)
				if err != nil || res.StatusCode != 200 {
					t.Errorf("%v, %v; want 200", res, err)
					return
				}
				io.Copy(io.Discard, res.Body)
			}
		})
	}
	clients.Wait()
}
