package wiretest

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	tests := []struct{ claim, text, want string }{
		{"nothing", "# only a comment\n\n", "test.txt: nothing is said in it"},
		{"bytes before anybody is named", "> GET / HTTP/1.1\n", "test.txt:1: nobody is named yet"},
		{"an unknown step", "client:\nexpect-closed\n", `test.txt:2: "expect-closed" is no step`},
		{"an unknown speaker", "client:\nserver:\n", `test.txt:2: "server:" is no step`},
		{"a speaker with a slip", "clients:\n", `test.txt:1: "clients:" names no connection`},
		{"no space behind the arrow", "client:\n>GET\n", "test.txt:2: a space is missing behind the arrow"},
		{"white space nobody sees", "client:\n> GET \n", "test.txt:2: the line ends in white space"},
		{"an unknown escape", "client:\n> \\q\n", `test.txt:2: unknown escape "\\q"`},
		{"half a byte", "client:\n> \\x4\n", `test.txt:2: \x wants two hex digits`},
		{"a repetition without number", "client:\n> \\(a)\n", `test.txt:2: a repetition is written \(text*1000)`},
		{"a repetition of nothing", "client:\n> \\(*3)\n", `test.txt:2: a repetition is written \(text*1000)`},
		{"a repetition beyond memory", "client:\n> \\(ab*9999999999)\n", "test.txt:2: \"9999999999\" is no number of repetitions"},
		{"a wildcard without a line's end", "client:\n< a*\\\n", "test.txt:2: a wildcard in a line without end"},
		{"a line of a set without end", "client:\n< + a\\\n", "test.txt:2: a line of a set has an end"},
		{"a line behind a set", "client:\n< ...\n< a: b\n<\n", "test.txt:3: an expected line behind a set"},
		{"a duration where none belongs", "client:\nclose 1s\n", `test.txt:2: "close" takes no "1s"`},
		{"a duration that is none", "client:\nexpect-open soon\n", `test.txt:2: "expect-open" takes no "soon"`},
		{"every fault at once", "client:\n>a\n> \\q\n", "test.txt:2: a space is missing behind the arrow\ntest.txt:3: unknown escape"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			d, err := Parse("test.txt", []byte(tt.text))
			if err == nil || d != nil {
				t.Fatal("parsed")
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestBytesOfALine(t *testing.T) {
	for text, want := range map[string]string{
		``:                   "\r\n",
		`GET / HTTP/1.1`:     "GET / HTTP/1.1\r\n",
		`a\`:                 "a",
		`\`:                  "",
		`a\\`:                "a\\\r\n",
		`\r\n\t\0\x7f\xff\*`: "\r\n\t\x00\x7f\xff*\r\n",
		`\(ab*3)c\`:          "abababc",
		`\(a*b*2)\`:          "a*ba*b",
		`*`:                  "*\r\n",
		` a`:                 " a\r\n",
	} {
		p, err := parseText(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(p.bytes()); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestWildcards(t *testing.T) {
	tests := []struct {
		pattern, line string
		want          bool
	}{
		{"*", "", true},
		{"*", "anything", true},
		{"a*", "a", true},
		{"a*", "b", false},
		{"*c", "abc", true},
		{"*c", "abcd", false},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"a*a", "a", false},
		{"a**b", "ab", true},
		{`a\*`, "a*", true},
		{`a\*`, "ab", false},
	}
	for _, tt := range tests {
		p, err := parseText(tt.pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.match([]byte(tt.line)); got != tt.want {
			t.Errorf("%q against %q: %v", tt.pattern, tt.line, got)
		}
	}
}

// What show writes, the dialogue reads as the same bytes.
func FuzzShowIsRead(f *testing.F) {
	for _, seed := range []string{"", "a\r\n", "a", "\x00\xff \\", " ", "\r\n\r\n", "a\t"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 150 {
			return // show cuts
		}
		p, err := parseText(show(b), false)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(p.bytes()); got != string(b) {
			t.Errorf("%q is shown as %s, which is %q", b, show(b), got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("client:\n> a\norigin b:\n> + x: *\n> ...\n>\n< \\(a*3)\\\nexpect-open 1s\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 200 {
			return // repetitions may ask for much memory each
		}
		d, err := Parse("f", data)
		if (d == nil) == (err == nil) {
			t.Fatalf("dialogue %v, error %v", d, err)
		}
	})
}

func TestSentIsWhatEachConnectionSends(t *testing.T) {
	d, err := Parse("test.txt", []byte("client:\n> a\norigin:\n> a\n< b\\\nclient two:\n> c\nclient:\n> d\\\n< b\\\n"))
	if err != nil {
		t.Fatal(err)
	}
	for origins, want := range map[bool]string{false: `["a\r\nd" "c\r\n"]`, true: `["b"]`} {
		if got := fmt.Sprintf("%q", d.Sent(origins)); got != want {
			t.Errorf("origins %v: %s, want %s", origins, got, want)
		}
	}
}

func TestGlobOfNothingIsAnError(t *testing.T) {
	if _, err := Glob("no/such/*.txt"); err == nil {
		t.Error("no error")
	}
}
