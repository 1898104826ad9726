package route

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// forward renders what Match says: the balancer and the forwarded path.
func forward(t *Table, path string) string {
	rule, rest := t.Match([]byte(path))
	switch {
	case rule == nil:
		return "none"
	case rule.Exclude:
		return "excluded"
	}
	return string(rune('0'+rule.Balancer)) + " " + rule.Prefix + string(rest)
}

func TestMatch(t *testing.T) {
	root := []Rule{{Path: "/"}}
	app := []Rule{{Path: "/app", Balancer: 1, Prefix: "/v2"}, {Path: "/", Balancer: 0}}
	bare := []Rule{{Path: "/app", Balancer: 1}}
	guarded := []Rule{{Path: "/private", Exclude: true}, {Path: "/"}}
	tests := []struct {
		claim string
		rules []Rule
		path  string
		want  string
	}{
		{"root matches itself", root, "/", "0 /"},
		{"root passes a path on unchanged", root, "/a/b.html", "0 /a/b.html"},
		{"root merges leading slashes alone", root, "//a//b", "0 /a//b"},
		{"escapes are passed on as they came", root, "/a%20b%2Fc", "0 /a%20b%2Fc"},
		{"a slash at the end stays", root, "/a/", "0 /a/"},

		{"prefix replaces the path itself", app, "/app", "1 /v2"},
		{"prefix replaces the path, slash kept", app, "/app/", "1 /v2/"},
		{"prefix replaces the first segment", app, "/app/list", "1 /v2/list"},
		{"whole segments only", app, "/apple", "0 /apple"},
		{"shorter than the rule", app, "/ap", "0 /ap"},
		{"first match wins", []Rule{{Path: "/", Balancer: 0}, {Path: "/app", Balancer: 1}}, "/app", "0 /app"},
		{"no match without a rule for the rest", bare, "/other", "none"},
		{"an empty table matches nothing", nil, "/", "none"},

		{"no prefix: the path itself becomes a slash", bare, "/app", "1 /"},
		{"no prefix: what follows keeps its slash", bare, "/app/x", "1 /x"},
		{"prefix with a slash at its end", []Rule{{Path: "/app", Prefix: "/v2/"}}, "/app/x", "0 /v2/x"},
		{"prefix of a slash alone", []Rule{{Path: "/app", Prefix: "/"}}, "/app/x", "0 /x"},
		{"path with a slash at its end", []Rule{{Path: "/app/", Prefix: "/v2"}}, "/app/x", "0 /v2/x"},
		{"path with a slash at its end matches without", []Rule{{Path: "/app/", Prefix: "/v2"}}, "/app", "0 /v2"},
		{"doubled slashes in a rule", []Rule{{Path: "/a//b"}}, "/a/b/c", "0 /c"},
		{"doubled slashes after the prefix", app, "/app//x", "1 /v2/x"},

		{"an exclusion", guarded, "/private", "excluded"},
		{"an exclusion, below", guarded, "/private/key", "excluded"},
		{"an exclusion is no prefix of a segment", guarded, "/privateer", "0 /privateer"},
		{"exclusion evaded by an escape", guarded, "/%70rivate/key", "excluded"},
		{"exclusion evaded by upper-case hex", guarded, "/priv%61te", "excluded"},
		{"exclusion evaded by doubled slashes", guarded, "//private", "excluded"},
		{"exclusion evaded by an escaped slash", guarded, "/private%2fkey", "excluded"},
		{"exclusion evaded by a leading escaped slash", guarded, "/%2Fprivate", "excluded"},
		{"exclusion evaded by dot-dot", guarded, "/x/../private", "none"},
		{"exclusion evaded by escaped dot-dot", guarded, "/x/%2e%2E/private", "none"},
		{"exclusion evaded by a dot", guarded, "/./private", "none"},
		{"exclusion evaded by dot-dot between escaped slashes", guarded, "/x%2f..%2fprivate", "none"},
		{"exclusion evaded by parameters", guarded, "/private;x=1/key", "excluded"},
		{"exclusion evaded by parameters at the end", guarded, "/private;", "excluded"},
		{"exclusion evaded by parameters of a segment above", []Rule{{Path: "/a/private", Exclude: true}, {Path: "/"}}, "/a;x%2fprivate", "excluded"},
		{"exclusion evaded by dot-dot with parameters", guarded, "/x/..;/private", "none"},
		{"exclusion evaded by an escaped backslash", guarded, "/%5cprivate", "excluded"},
		{"exclusion evaded by dot-dot between escaped backslashes", guarded, "/x/..%5Cprivate", "none"},
		{"exclusion evaded by an escaped NUL", guarded, "/private%00", "none"},
		{"parameters are plain bytes elsewhere", app, "/app;v=1/x", "0 /app;v=1/x"},
		{"parameters alone are no dot segment", root, "/;x/.a;y", "0 /;x/.a;y"},
		{"dot-dot at the end", guarded, "/x/..", "none"},
		{"three dots are a name", root, "/...", "0 /..."},
		{"dots in a name", root, "/..a/.b", "0 /..a/.b"},
		{"an escape decoded once only", guarded, "/%2570rivate", "0 /%2570rivate"},
		{"a percent sign that escapes nothing", guarded, "/%zz/%7", "0 /%zz/%7"},

		{"an escaped slash bounds no segment of other rules", app, "/app%2Flist", "0 /app%2Flist"},
		{"an escaped spelling of a rule", app, "/%61pp/list", "1 /v2/list"},

		{"no path", root, "", "none"},
		{"asterisk form", root, "*", "none"},
		{"a path without a slash", root, "app", "none"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			if got := forward(New(tt.rules), tt.path); got != tt.want {
				t.Errorf("Match(%q): got %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}

func TestNewCopiesItsRules(t *testing.T) {
	rules := []Rule{{Path: "/", Balancer: 1}}
	table := New(rules)
	rules[0].Balancer = 2
	if got := forward(table, "/"); got != "1 /" {
		t.Errorf("got %q after the caller's slice changed", got)
	}
}

// Whatever the spelling of rules and path, prefix and rest join with exactly
// one slash, and rest is the end of what the client sent.
func TestForwardedPathHasOneSlashBetween(t *testing.T) {
	piece := rapid.SampledFrom([]string{"/", "//", "a", "b", "%61", "%2f", ".", "%2E", "%", "v"})
	path := rapid.Map(rapid.SliceOfN(piece, 0, 8), func(s []string) string { return "/" + strings.Join(s, "") })
	rapid.Check(t, func(t *rapid.T) {
		rules := []Rule{
			{Path: path.Draw(t, "rule"), Prefix: rapid.OneOf(rapid.Just(""), path).Draw(t, "prefix")},
			{Path: "/", Balancer: 1},
		}
		p := []byte(path.Draw(t, "path"))
		rule, rest := New(rules).Match(p)
		if rule == nil {
			return
		}
		if strings.HasSuffix(rule.Prefix, "/") || bytes.HasPrefix(rest, []byte("//")) {
			t.Fatalf("prefix %q and rest %q join with more than one slash", rule.Prefix, rest)
		}
		if len(rest) > 0 && rest[0] != '/' || rule.Prefix == "" && len(rest) == 0 {
			t.Fatalf("prefix %q and rest %q join with no slash", rule.Prefix, rest)
		}
		if !bytes.HasSuffix(p, rest) && string(rest) != "/" {
			t.Fatalf("rest %q is no end of %q", rest, p)
		}
	})
}

func TestMatchDoesNotAllocate(t *testing.T) {
	table := New([]Rule{{Path: "/private", Exclude: true}, {Path: "/app", Prefix: "/v2"}, {Path: "/"}})
	for _, p := range []string{"/app", "/app/list", "/%61pp//x", "/x/../y", "/index.html"} {
		path := []byte(p)
		if n := testing.AllocsPerRun(100, func() { table.Match(path) }); n != 0 {
			t.Errorf("Match(%q): %v allocations", p, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	table := New([]Rule{{Path: "/private", Exclude: true}, {Path: "/app", Prefix: "/v2"}, {Path: "/"}})
	for _, bb := range []struct{ name, path string }{
		{"path=plain", "/static/images/logo.png"},
		{"path=escaped", "/static/images/logo%20small.png"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			path := []byte(bb.path)
			b.ReportAllocs()
			for b.Loop() {
				table.Match(path)
			}
		})
	}
}
