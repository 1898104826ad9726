// Command probe is what the tests of package docker run in containers: a server
// that does what a URL says.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "die" {
		fmt.Println("this is the last word")
		os.Exit(7)
	}
	if len(os.Args) > 1 && os.Args[1] == "hold" {
		time.Sleep(time.Hour) // listens to nothing
	}
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	http.HandleFunc("/dial", func(w http.ResponseWriter, r *http.Request) { answer(w, dial(r.FormValue("addr"))) })
	http.HandleFunc("/burn", func(w http.ResponseWriter, r *http.Request) { burn(r.FormValue("for")) })
	http.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) { hold(r.FormValue("bytes")) })
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		data, err := os.ReadFile(r.FormValue("path"))
		w.Write(data)
		answer(w, err)
	})
	http.HandleFunc("/mode", func(w http.ResponseWriter, r *http.Request) {
		i, err := os.Stat(r.FormValue("path"))
		if err == nil {
			io.WriteString(w, i.Mode().String())
		}
		answer(w, err)
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, os.Getenv(r.FormValue("key"))) })
	http.HandleFunc("/log", func(_ http.ResponseWriter, r *http.Request) { log.Print(r.FormValue("text")) })
	http.HandleFunc("/addresses", func(w http.ResponseWriter, _ *http.Request) {
		addrs, err := net.InterfaceAddrs()
		for _, a := range addrs {
			fmt.Fprintln(w, a)
		}
		ifs, _ := net.Interfaces()
		for _, i := range ifs {
			fmt.Fprintln(w, "mtu", i.Name, i.MTU)
		}
		answer(w, err)
	})
	log.Fatal(http.ListenAndServe(":9000", nil))
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		fmt.Fprintf(w, "error: %v", err)
	}
}

func dial(addr string) error {
	c, err := net.DialTimeout("tcp", addr, 1500*time.Millisecond)
	if err == nil {
		c.Close()
	}
	return err
}

// burn keeps every core busy.
func burn(text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return
	}
	end := time.Now().Add(d)
	done := make(chan bool)
	for range runtime.NumCPU() {
		go func() {
			for time.Now().Before(end) {
			}
			done <- true
		}()
	}
	for range runtime.NumCPU() {
		<-done
	}
}

var held []byte

// hold keeps memory that was written to.
func hold(text string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return
	}
	held = make([]byte, n)
	for i := 0; i < n; i += 4096 {
		held[i] = 1
	}
}
