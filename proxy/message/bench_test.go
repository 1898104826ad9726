package message

import "testing"

// browser are the fields of a browser's request.
var browser = [][]byte{
	[]byte("Host"), []byte("User-Agent"), []byte("Accept"), []byte("Accept-Language"), []byte("Accept-Encoding"),
	[]byte("Connection"), []byte("Cookie"), []byte("Upgrade-Insecure-Requests"), []byte("Sec-Fetch-Dest"), []byte("Sec-Fetch-Mode"),
	[]byte("Referer"), []byte("If-None-Match"), []byte("X-Request-Id"), []byte("Priority"),
}

func BenchmarkNameOf(b *testing.B) {
	for b.Loop() {
		for _, n := range browser {
			NameOf(n)
		}
	}
}
