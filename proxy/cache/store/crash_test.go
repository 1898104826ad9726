package store

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"proxylab/proxy/cache"
)

var kills = flag.Int("kills", 15, "how many times the writing process of the crash test is killed")

const crashDir = "STORE_CRASH_DIR"

// TestCrash kills a process that writes, again and again, and looks at what it
// left: each answer is right, by the hash in its entity tag, and there are some.
func TestCrash(t *testing.T) {
	if os.Getenv(crashDir) != "" {
		writeForEver(t)
		return
	}
	dir := t.TempDir()
	found := 0
	for i := range *kills {
		child := exec.Command(os.Args[0], "-test.run", "^TestCrash$", "-test.timeout", "5m")
		child.Env = append(os.Environ(), crashDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line != "writing\n" {
			t.Fatalf("the process that writes: %q, %v", line, err)
		}
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		child.Process.Kill()
		if err := child.Wait(); err == nil || child.ProcessState.Exited() {
			t.Fatalf("the process that writes ended by itself: %v", err)
		}
		s := open(t, crashOptions(dir))
		n := 0
		for name := range crashNames {
			n += checkAll(t, s, requestFor(fmt.Sprint("/", name)))
		}
		waitScanned(t, s)
		if st := s.Stats(); n == 0 || st.DiskFiles == 0 {
			t.Errorf("kill %d: nothing is left: %+v", i, st)
		} else if st.Corrupt > 0 {
			t.Logf("kill %d: %d files were not right", i, st.Corrupt)
		}
		if left, _ := os.ReadDir(s.disk.tmp); len(left) > 0 {
			t.Errorf("kill %d: %d files that were being written are left", i, len(left))
		}
		found += n
		s.Close()
	}
	t.Logf("%d right answers after %d kills", found, *kills)
}

const crashNames = 400

func crashOptions(dir string) Options {
	return Options{Dir: dir, Memory: 16 << 20, Object: 64 << 10, Disk: 64 << 20}
}

// checkAll compares the bodies of all that is stored for a request with the
// hashes that their entries have.
func checkAll(t *testing.T, s *Store, q *cache.Request) (right int) {
	var v Variants
	key := q.AppendKey(nil)
	if s.Get(key, &v) == OnDisk {
		s.Load(key, &v)
	}
	for _, e := range v.Entries {
		body := bytesOf(t, s, &v, e)
		if body == nil && e.Total > 0 {
			continue
		}
		tag := ""
		for _, f := range e.Fields {
			if string(f.Name) == "X-Hash" {
				tag = string(f.Value)
			}
		}
		if tag != hashOf(body) || !bytes.Equal(e.Key, key) {
			t.Errorf("%s: %d bytes that are not those of %s", key, len(body), e.Key)
		}
		right++
	}
	return right
}

func hashOf(b []byte) string { return fmt.Sprintf("%016x", xxhash.Sum64(b)) }

// writeForEver is the process that is killed.
func writeForEver(t *testing.T) {
	s, err := Open(crashOptions(os.Getenv(crashDir)))
	if err != nil || s.disk == nil {
		t.Fatal("no disk: ", err)
	}
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				writeOne(t, s, i, g)
			}
		}()
	}
	for s.Stats().DiskFiles < 20 { // there is something to lose
		time.Sleep(time.Millisecond)
	}
	fmt.Println("writing")
	time.Sleep(time.Minute)
	t.Fatal("nobody killed it")
}

func writeOne(t *testing.T, s *Store, i, g int) {
	name := rand.IntN(crashNames)
	size := rand.IntN(8 << 10)
	if i%16 == 0 {
		size = rand.IntN(1 << 20)
	}
	q := requestFor(fmt.Sprint("/", name))
	switch i % 8 {
	default:
		body := bodyOf(fmt.Sprint(i, g), size)
		put(t, s, q, body, time.Now(), "X-Hash: "+hashOf(body))
	case 5:
		s.Remove(q.AppendKey(nil))
	case 6: // validated
		var v Variants
		key := q.AppendKey(nil)
		if s.Get(key, &v) == OnDisk {
			s.Load(key, &v)
		}
		if len(v.Entries) > 0 {
			e := v.Entries[0].Stored
			e.Requested = time.Now()
			e.Received = e.Requested
			s.Update(key, &v, []cache.Update{{Old: v.Entries[0], New: e.Entry(s.policy.Load()), From: v.Entries[0]}})
		}
	case 7:
		checkAll(t, s, q)
	}
}

// waitScanned waits until the directory has been read: as long as that goes on.
func waitScanned(t *testing.T, s *Store) {
	t.Helper()
	known, since := int64(-1), time.Now()
	for {
		st := s.Stats()
		if st.DiskScanned {
			return
		}
		if st.DiskFiles > known {
			known, since = st.DiskFiles, time.Now()
		} else if time.Since(since) > 30*time.Second {
			t.Fatalf("reading the directory has stood still for 30 s, after %d files", known)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
