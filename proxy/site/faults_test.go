package site

import (
	"strings"
	"testing"
)

// in puts a line of YAML where it belongs in a site that is right otherwise.
func in(place, line string) string {
	const frame = `<top>
balancers:
  - name: origins
    <balancer>
    members:
      - url: http://10.0.0.11:8080
        <member>
      - url: http://10.0.0.12:8080
`
	s := strings.Replace(frame, "<"+place+">", line, 1)
	for _, p := range []string{"<top>", "<balancer>", "<member>"} {
		s = strings.Replace(s, p, "#", 1)
	}
	return s
}

func member(url string) string {
	return "balancers:\n  - name: origins\n    members:\n      - url: " + url + "\n"
}

func routes(lines ...string) string {
	return smallest + "routes:\n" + strings.Join(lines, "\n") + "\n"
}

// Each row breaks one rule; want is the start of the only fault, without its
// file.
func TestFaults(t *testing.T) {
	tests := []struct{ claim, yaml, want string }{
		{"no file at all", "", "1: the file declares nothing"},
		{"only a comment", "# a site\n", "1: the file declares nothing"},
		{"two documents", smallest + "---\nlisten: :1\n", `6: a second document`},
		{"not YAML", "balancers: [\n", "1: not YAML: "},
		{"a list", "- a\n", `1: a list is not a mapping`},
		{"an alias", "listen: &x :8080\n" + smallest, `1: listen: an anchor, alias or tag is not host:port`},
		{"a merge key", "<<: {listen: :80}\n" + smallest, `1: an anchor, alias or tag: an anchor, alias or tag is not a key`},
		{"a tag", in("balancer", "lbmethod: !!str byrequests"), `4: balancers[0].lbmethod: an anchor, alias or tag is not a string`},
		{"a key that is a number", "8080: x\n" + smallest, `1: 8080: 8080 is not a key`},
		{"a key twice", "listen: :1\nlisten: :2\n" + smallest, "2: listen: the key stands in line 1 already\n\thint: keep one of them"},
		{"an unknown key, far from all", "xyzzy: 1\n" + smallest, "1: xyzzy: unknown key\n\thint: known are "},
		{"an unknown key, one letter off", in("member", "loadfacter: 2"), "7: balancers[0].members[0].loadfacter: unknown key\n\thint: did you mean \"loadfactor\"?"},
		{"an unknown key in capitals", in("balancer", "LBMethod: byrequests"), "4: balancers[0].LBMethod: unknown key\n\thint: did you mean \"lbmethod\"?"},
		{"a value missing", "listen:\n" + smallest, "1: listen: has no value"},
		{"a text in place of a list", "balancers: origins\n", `1: balancers: "origins" is not a list`},
		{"a mapping in place of a list", "balancers: {name: a}\n", `1: balancers: a mapping is not a list`},
		{"a number in place of a name", "balancers:\n  - name: 7\n    members: [{url: http://a}]\n", "2: balancers[0].name: 7 is not a string\n\thint: write it in quotes: \"7\""},
		{"a boolean in place of a method", in("balancer", "lbmethod: true"), "4: balancers[0].lbmethod: true is not a string"},
		{"a list in place of a duration", in("member", "retry: [1s]"), "7: balancers[0].members[0].retry: a list is not a duration"},
		{"a block in place of a duration", in("member", "retry: |\n          5s"), "7: balancers[0].members[0].retry: a block of text is not a duration"},

		{"a backlog of nothing", in("top", "socket: {backlog: 0}"), "1: socket.backlog: 0 is not between 1 and 65535"},
		{"an unknown word of resend", in("balancer", "resend: idempotant"), "4: balancers[0].resend: unknown word \"idempotant\"\n\thint: did you mean \"idempotent\"?"},
		{"methods to resend", in("balancer", "resend: POST"), "4: balancers[0].resend: unknown word \"POST\"\n\thint: known are \"idempotent\", \"safe\", \"never\""},
		{"a request line longer than a head", in("top", "limits: {head: 4KiB, requestline: 5KiB}"), "1: limits.requestline: 5KiB is more than a head may have, 4KiB\n\thint: raise limits.head"},
		{"a head's last time before its first", in("top", "limits: {headtimeoutmax: 10s}"), "1: limits.headtimeoutmax: 10s is less than headtimeout, 20s\n\thint: "},
		{"fewer than no requests", in("top", "limits: {keepaliverequests: -1}"), "1: limits.keepaliverequests: -1 is not between 0 and 2147483647"},
		{"fewer than no requests in a row", in("top", "limits: {pipelined: -1}"), "1: limits.pipelined: -1 is not between 0 and 2147483647"},
		{"an abort that is neither", in("top", "limits: {abortonclose: yes}"), "1: limits.abortonclose: "},
		{"a tunnel without patience", in("member", "upgradetimeout: 0s"), "7: balancers[0].members[0].upgradetimeout: 0s is not between 1ms and 24h"},

		{"a log of an unknown word", in("top", "log: {format: '%h %X'}"), "1: log.format: unknown word \"%X\"\n\thint: known are"},
		{"a log of a final word that has no first", in("top", "log: {format: '%>h'}"), `1: log.format: unknown word "%>h"`},
		{"a log of a field without name", in("top", "log: {format: '%i'}"), `1: log.format: "%i" is not a word with "" in braces`},
		{"a log of a field with a space", in("top", "log: {format: '%{A B}i'}"), `1: log.format: "%i" is not a word with "A B" in braces`},
		{"a log of an environment variable", in("top", "log: {format: '%{PATH}e'}"), `1: log.format: "%e" is not a word with "PATH" in braces`},
		{"a log of a time in another form", in("top", "log: {format: '%{%Y}t'}"), `1: log.format: "%t" is not a word with "%Y" in braces`},
		{"a log format with an open brace", in("top", "log: {format: '%{Host'}"), `1: log.format: "%{Host" has no closing brace`},
		{"a log format that ends in a percent sign", in("top", "log: {format: '100%'}"), `1: log.format: "%" says nothing`},
		{"a log format that ends a line", in("top", `log: {format: "%h\n%t"}`), `1: log.format: a format has printable ASCII`},
		{"a log format with a backslash", in("top", `log: {format: '\"%r\"'}`), `1: log.format: a format has printable ASCII`},
		{"a log format with a variable of httpd", in("top", "log: {format: '${A}'}"), `1: log.format: a format has printable ASCII`},
		{"an empty log format", in("top", "log: {format: ''}"), "1: log.format: the format is empty"},
		{"standard output by a truth", in("top", "log: {stdout: true}"), "1: log.stdout: true is neither on nor off\n\thint: \"on\" or \"off\""},
		{"standard output by a number", in("top", "log: {stdout: 1}"), "1: log.stdout: 1 is neither on nor off"},

		{"health", in("top", "health: {}"), "1: health: not supported by this version\n\thint: leave it out"},
		{"a cache that is neither on nor off", in("top", "cache: yes please"), `1: cache: "yes please" is neither on nor off`},
		{"a cache without room", in("top", "cache: {memory: 1KiB}"), "1: cache.memory: 1KiB is not between 1MiB and "},
		{"a ttl without unit", in("top", "cache: {ttl: 60}"), `1: cache.ttl: "60" is not a duration`},
		{"a ttl of nothing in particular", in("top", "cache: {ttl: [{path: /a}]}"), "1: cache.ttl[0]: a ttl without for\n\thint: add \"for: 60s\""},
		{"a ttl for an interim answer", in("top", "cache: {ttl: [{status: 100, for: 1s}]}"), "1: cache.ttl[0].status: 100 is not between 200 and 599"},
		{"a path with a query", in("top", "cache: {bypass: [{path: /a?b}]}"), `1: cache.bypass[0].path: "/a?b" has '?' in it`},
		{"a bypass of nothing", in("top", "cache: {bypass: [{}]}"), "1: cache.bypass[0]: a bypass without path, header or cookie\n\thint: \"path: /\" is for all"},
		{"a parameter with an ampersand", in("top", "cache: {ignoreparams: [a&b]}"), `1: cache.ignoreparams[0]: "a&b" is not the name of a query parameter`},
		{"a field twice", in("top", "cache: {keyheaders: [X-A, X-A]}"), `1: cache.keyheaders[1]: "X-A" is given twice`},
		{"a body larger than the memory takes", in("top", "cache: {cachemaxfilesize: 2MiB}"), "1: cache.cachemaxfilesize: 2MiB is more than a response can have here, 1MiB\n\thint: add \"dir: cache\""},
		{"a body larger than the disk", in("top", "cache: {disk: 10MiB, cachemaxfilesize: 20MiB}"), "1: cache.cachemaxfilesize: 20MiB is more than a response can have here, 10MiB\n\thint: raise disk"},
		{"a word of mod_cache that is another here", in("top", "cache: {cachemaxfilesice: 1B}"), "1: cache.cachemaxfilesice: unknown key\n\thint: did you mean \"cachemaxfilesize\"?"},
		{"a manager as a bare port", in("top", "admin: 9090"), `1: admin: "9090" is not host:port`},
		{"a manager as a list", in("top", "admin: [127.0.0.1:9090]"), `1: admin: a list is neither an address nor a mapping`},
		{"a manager without an address", in("top", "admin: {token: 0123456789abcdef}"), "1: admin: a manager without listen\n\thint: add \"listen: 127.0.0.1:9090\""},
		{"a manager that anybody may use", in("top", "admin: :9090"), "1: admin: anybody who reaches :9090 could change the balancers\n\thint: listen on 127.0.0.1, or ask for a token"},
		{"a manager that anybody may use, by name", in("top", "admin: {listen: 'manager.internal:9090'}"), "1: admin.listen: anybody who reaches manager.internal:9090 could"},
		{"a token that can be guessed", in("top", "admin: {listen: :9090, token: secret}"), "1: admin.token: a secret of 6 characters can be guessed: 12 or more\n\thint: "},
		{"a token with a space", in("top", "admin: {listen: :9090, token: 'correct horse battery'}"), "1: admin.token: a secret has printable ASCII without spaces\n"},
		{"a user without password", in("top", "admin: {listen: :9090, user: me}"), "1: admin.user: a user without password"},
		{"a password without user", in("top", "admin: {listen: :9090, password: 0123456789abcdef}"), "1: admin.password: a password without user"},
		{"a user with a colon", in("top", "admin: {listen: :9090, user: 'a:b', password: 0123456789abcdef}"), `1: admin.user: "a:b" is not a user's name`},
		{"a state file without name", in("top", "admin: {listen: 127.0.0.1:9090, state: ''}"), "1: admin.state: the file has no name"},
		{"a log format by its nickname", in("top", "log: {format: combined}"), `1: log.format: "combined" has no word in it`},
		{"min", in("member", "min: 10"), "7: balancers[0].members[0].min: not supported by this version"},
		{"acquire without a unit", in("member", "max: 5\n        acquire: 100"), `8: balancers[0].members[0].acquire: "100" is not a duration`},
		{"acquire without max", in("member", "acquire: 100ms"), "7: balancers[0].members[0].acquire: says nothing without max\n\thint: add"},
		{"connections kept that are not used again", in("member", "smax: 5\n        disablereuse: on"), "7: balancers[0].members[0].smax: says nothing with disablereuse"},
		{"min", in("member", "min: 5"), "7: balancers[0].members[0].min: not supported by this version\n\thint: leave it out"},
		{"flushpackets", in("member", "flushpackets: yes"), `7: balancers[0].members[0].flushpackets: "yes" is none of its words` + "\n\thint: \"on\", \"off\", \"auto\""},
		{"a long flushwait", in("member", "flushpackets: auto\n        flushwait: 2s"), "8: balancers[0].members[0].flushwait: 2s is longer than 1s"},
		{"flushwait alone", in("member", "flushwait: 5ms"), "7: balancers[0].members[0].flushwait: says nothing without flushpackets auto"},
		{"ping without a unit", in("member", "ping: 1"), `7: balancers[0].members[0].ping: "1" is not a duration`},
		{"an lbmethod of Apache", in("balancer", "lbmethod: heartbeat"), "4: balancers[0].lbmethod: lbmethod \"heartbeat\" is not supported by this version\n\thint: supported are"},

		{"sessions without a route", in("balancer", "stickysession: SID"), "4: balancers[0].stickysession: no member has a route that a session could name\n\thint: give each"},
		{"a cookie of ours beside another's", in("balancer", "stickysession: a\n    sessioncookie: b") + "        route: b\n", "5: balancers[0].sessioncookie: stickysession names the member already"},
		{"a cookie of ours without a name", in("balancer", "sessioncookie: 'a;'"), `4: balancers[0].sessioncookie: "a;" is not the name of a cookie`},
		{"a key without a cookie of ours", in("balancer", "sessionkeyfile: /etc/key"), "4: balancers[0].sessionkeyfile: says nothing without sessioncookie\n\thint: add"},
		{"a session of no name", in("balancer", "stickysession: 'a b'"), `4: balancers[0].stickysession: "a b" is not the name of a cookie`},
		{"a separator of two characters", in("balancer", "stickysession: a\n    stickysessionsep: '..'") + "        route: b\n", `5: balancers[0].stickysessionsep: ".." is not one character`},
		{"nofailover without sessions", in("balancer", "nofailover: on"), "4: balancers[0].nofailover: says nothing without stickysession"},
		{"a hash of another lbmethod", in("balancer", "hashon: uri"), "4: balancers[0].hashon: says nothing without it\n\thint: add \"lbmethod: hash\""},
		{"a hash of nothing", in("balancer", "lbmethod: hash\n    hashon: header"), `5: balancers[0].hashon: "header" is nothing to hash on`},
		{"a bound that leaves no room", in("balancer", "lbmethod: hash\n    hashbound: 1"), `5: balancers[0].hashbound: 1 is not above 1, up to 100`},
		{"an lbset too high", in("member", "lbset: 100"), "7: balancers[0].members[0].lbset: 100 is not between 0 and 99"},
		{"a max of nothing", in("member", "max: 0"), "7: balancers[0].members[0].max: 0 is not between 1 and 1000000"},
		{"an unknown status", in("member", "status: +X"), `7: balancers[0].members[0].status: "+X": unknown status 'X'`},
		{"a status that comes by itself", in("member", "status: +E"), "7: balancers[0].members[0].status: \"+E\": 'E' is not for a declaration"},
		{"a spare that is a standby", in("member", "status: HR"), `7: balancers[0].members[0].status: "HR" is hot spare and hot standby at once`},
		{"a look-up of an address", in("member", "addressttl: 5s"), `7: balancers[0].members[0].addressttl: says nothing of an address: only names are looked up
	hint: leave it out`},
		{"a redirect to nobody", in("member", "route: a\n        redirect: b"), `8: balancers[0].members[0].redirect: no member has the route "b"`},
		{"a redirect to itself", in("member", "route: a\n        redirect: a"), `8: balancers[0].members[0].redirect: "a" is the member's own route`},
		{"a status of success that fails", in("balancer", "failonstatus: [200]"), "4: balancers[0].failonstatus[0]: 200 is not between 400 and 599"},
		{"a time of outliers that nobody looks for", in("balancer", "outliertime: 5s"), "4: balancers[0].outliertime: says nothing without an outlier to look for"},
		{"an outlier that is not slower", in("balancer", "outlierlatency: 1"), "4: balancers[0].outlierlatency: 1 is not above 1, up to 1000"},
		{"an unknown hcmethod", in("balancer", "hcmethod: get"), "4: balancers[0].hcmethod: unknown hcmethod \"get\""},
		{"words of a member's check without a method", in("member", "hcinterval: 5s"), "7: balancers[0].members[0].hcinterval: says nothing without hcmethod"},
		{"checks without a method", in("balancer", "hcfails: 2"), "4: balancers[0].hcfails: says nothing without hcmethod\n\thint: add"},
		{"a path that nobody is asked for", in("balancer", "hcmethod: TCP\n    hcuri: /"), "5: balancers[0].hcuri: says nothing with hcmethod TCP"},
		{"a check of a path with a space", in("balancer", "hcmethod: GET\n    hcuri: /a b"), `5: balancers[0].hcuri: "/a b" has ' ' in it`},
		{"a check of a query with a newline", in("balancer", "hcmethod: GET\n    hcuri: \"/a?b\\nc\""), `5: balancers[0].hcuri: "/a?b\nc" has a query with a character that needs escaping`},
		{"an expression of another kind", in("balancer", "hcmethod: GET\n    hcexpr: '%{REQUEST_STATUS} -eq 200'"), `5: balancers[0].hcexpr: "%{REQUEST_STATUS} -eq 200" is not an expression that is understood`},
		{"an expression that ends its braces", in("balancer", "hcmethod: GET\n    hcexpr: hc('body') =~ /a}/"), `5: balancers[0].hcexpr: "hc('body') =~ /a}/" is not`},
		{"an expression that is not regular", in("balancer", "hcmethod: GET\n    hcexpr: hc('body') =~ /(/"), "5: balancers[0].hcexpr: \"hc('body') =~ /(/\": error parsing regexp"},
		{"a body of HEAD", in("balancer", "hcmethod: HEAD\n    hcexpr: hc('body') =~ /a/"), "5: balancers[0].hcexpr: HEAD has no body to look at"},
		{"a hedge without percent", in("balancer", "hedge: 95"), `4: balancers[0].hedge: "95" is not a percentile between 50% and 99%`},
		{"a hedge of nearly all", in("balancer", "hedge: 20%"), `4: balancers[0].hedge: "20%" is not a percentile between 50% and 99%`},
		{"a hedge never", in("balancer", "hedge: 100%"), `4: balancers[0].hedge: "100%" is not a percentile between 50% and 99%`},
		{"a hedge of requests that go out once", in("balancer", "hedge: 95%\n    resend: never"), `4: balancers[0].hedge: with resend: never no request goes out twice`},
		{"a hedge with nobody", "balancers:\n- {name: a, hedge: 95%, members: [{url: 'http://10.0.0.11:80'}]}\n", `2: balancers[0].hedge: there is no other member to ask`},
		{"a budget of no hedges", in("balancer", "hedgebudget: 5%"), `4: balancers[0].hedgebudget: says nothing without hedge`},
		{"a budget without percent", in("balancer", "retrybudget: 20"), `4: balancers[0].retrybudget: "20" is not a share between 0% and 100%`},
		{"an unknown lbmethod", in("balancer", "lbmethod: bytrafic"), "4: balancers[0].lbmethod: unknown lbmethod \"bytrafic\"\n\thint: did you mean \"bytraffic\"?"},

		{"listen as a bare port", in("top", "listen: 8080"), `1: listen: "8080" is not host:port`},
		{"listen beyond the last port", in("top", "listen: :65536"), `1: listen: port "65536" is not a number between 0 and 65535`},
		{"listen on a named port", in("top", "listen: :http"), `1: listen: port "http" is not a number between 0 and 65535`},
		{"listen with a signed port", in("top", "listen: :+80"), `1: listen: port "+80" is not a number`},
		{"listen on a malformed address", in("top", "listen: 10.0.0.256:80"), `1: listen: "10.0.0.256" is no host name or address`},
		{"a log file without name", in("top", `log: {file: ""}`), "1: log.file: the file has no name"},
		{"a log file with a newline", in("top", `log: {file: "a\nb"}`), `1: log.file: "a\nb" has a control character in it`},

		{"no balancer", "listen: :8080\n", "1: balancers: no balancer"},
		{"no balancer in the list", "listen: :8080\nbalancers: []\n", "2: balancers: no balancer"},
		{"no member", "balancers:\n  - name: origins\n", "2: balancers[0]: a balancer without member"},
		{"no member in the list", "balancers:\n  - name: origins\n    members: []\n", "2: balancers[0]: a balancer without member"},
		{"no name", "balancers:\n  - members: [{url: http://a}]\n", "2: balancers[0]: a balancer without name"},
		{"no url", "balancers:\n  - name: origins\n    members: [{loadfactor: 2}]\n", "3: balancers[0].members[0]: a member without url"},
		{"a name in capitals", "balancers:\n  - name: Origins\n    members: [{url: http://a}]\n", `2: balancers[0].name: "Origins" is not a balancer's name`},
		{"a name that ends a quote", "balancers:\n  - name: 'o\"'\n    members: [{url: http://a}]\n", `2: balancers[0].name: "o\"" is not a balancer's name`},
		{"two balancers of one name", smallest + "  - name: origins\n    members: [{url: http://a}]\n", `5: balancers[1].name: "origins" is the name of balancers[0] already`},

		{"an https origin", member("https://a"), `4: balancers[0].members[0].url: "https://a": scheme is not http`},
		{"an ajp origin", member("ajp://a:8009"), `4: balancers[0].members[0].url: "ajp://a:8009": scheme is not http`},
		{"no scheme", member("10.0.0.11:8080"), `4: balancers[0].members[0].url: "10.0.0.11:8080" is not a URL`},
		{"a URL with a path", member("http://a/x"), `4: balancers[0].members[0].url: "http://a/x" has a path`},
		{"a URL with a slash", member("http://a/"), `4: balancers[0].members[0].url: "http://a/" has a path`},
		{"a URL with a query", member("http://a?b"), `4: balancers[0].members[0].url: "http://a?b" has a query or fragment`},
		{"a URL with a fragment", member("'http://a#b'"), `4: balancers[0].members[0].url: "http://a#b" has a query or fragment`},
		{"a URL with a password", member("http://me:secret@a"), "4: balancers[0].members[0].url: the URL has a user name\n"},
		{"a URL without host", member("'http://:80'"), `4: balancers[0].members[0].url: "http://:80" has no valid host`},
		{"a URL with a quote in its host", member(`'http://a"b'`), `4: balancers[0].members[0].url: `},
		{"a URL with a variable of httpd", member(`'http://a${b}'`), `4: balancers[0].members[0].url: `},
		{"a URL with a malformed address", member("http://10.0.0.300"), `4: balancers[0].members[0].url: "http://10.0.0.300" has no valid host`},
		{"a URL with an empty port", member("'http://a:'"), `4: balancers[0].members[0].url: "http://a:" has an empty port`},
		{"a URL with port zero", member("http://a:0"), `4: balancers[0].members[0].url: port "0" is not a number between 1 and 65535`},
		{"a member twice", in("balancer", "#") + "      - url: http://10.0.0.11:8080\n", `9: balancers[0].members[2].url: "http://10.0.0.11:8080" is balancers[0].members[0] already`},
		{"a member twice, by default port", member("http://a") + "      - url: http://A:80\n", `5: balancers[0].members[1].url: "http://a:80" is balancers[0].members[0] already`},
		{"a route twice", in("member", "route: x") + "        route: x\n", `9: balancers[0].members[1].route: "x" is the route of balancers[0].members[0] already`},
		{"a route with a dot", in("member", "route: a.b"), `7: balancers[0].members[0].route: "a.b" is not a route`},

		{"a loadfactor below one", in("member", "loadfactor: 0.5"), "7: balancers[0].members[0].loadfactor: 0.5 is not between 1 and 100\n\thint: leave it out for 1, the default"},
		{"a loadfactor above a hundred", in("member", "loadfactor: 101"), "7: balancers[0].members[0].loadfactor: 101 is not between 1 and 100"},
		{"a loadfactor in quotes", in("member", `loadfactor: "2"`), `7: balancers[0].members[0].loadfactor: "2" is not a number`},
		{"a loadfactor that is no number", in("member", "loadfactor: .nan"), "7: balancers[0].members[0].loadfactor: .nan is not a number"},
		{"a retry without unit", in("member", "retry: 5"), "7: balancers[0].members[0].retry: \"5\" is not a duration\n\thint: a number with its unit"},
		{"an upgrade to anything", in("member", "upgrade: ANY"), "7: balancers[0].members[0].upgrade: \"ANY\" would let any protocol pass\n\thint: name it"},
		{"an upgrade to HTTP/2", in("member", "upgrade: h2c"), `7: balancers[0].members[0].upgrade: in "h2c" requests would pass by all routes`},
		{"an upgrade to two protocols", in("member", "upgrade: 'a, b'"), `7: balancers[0].members[0].upgrade: "a, b" is not a protocol's name`},
		{"a negative retry", in("member", "retry: -1s"), "7: balancers[0].members[0].retry: -1s is not between 0s and 24h"},
		{"a connectiontimeout of nothing", in("member", "connectiontimeout: 0s"), "7: balancers[0].members[0].connectiontimeout: 0s is not between 1ms and 24h"},
		{"a timeout of two days", in("member", "timeout: 48h"), "7: balancers[0].members[0].timeout: 48h is not between 1ms and 24h"},

		{"an unknown balancer", routes("  - path: /", "    to: balancer://orgins"), "7: routes[0].to: unknown balancer \"orgins\"\n\thint: did you mean \"origins\"?"},
		{"a route to a URL", routes("  - path: /", "    to: http://a"), `7: routes[0].to: "http://a" is not a balancer`},
		{"a route to a malformed path", routes("  - path: /", "    to: balancer://origins/a b"), `7: routes[0].to: "/a b" has ' ' in it`},
		{"a route to a path beyond ASCII", routes("  - path: /", "    to: balancer://origins/é"), `7: routes[0].to: "/é" is not ASCII`},
		{"a route without target", routes("  - path: /"), "6: routes[0]: a route without to"},
		{"a route without path", routes("  - to: balancer://origins"), "6: routes[0]: a route without path"},
		{"a relative path", routes("  - path: a", "    to: balancer://origins"), `6: routes[0].path: "a" does not begin with "/"`},
		{"a path with an escape", routes("  - path: /a%20b", "    to: balancer://origins"), `6: routes[0].path: "/a%20b" has '%' in it`},
		{"a path with a query", routes("  - path: /a?b", "    to: balancer://origins"), `6: routes[0].path: "/a?b" has '?' in it`},
		{"a path that ends a quote", routes(`  - path: '/a"'`, "    to: balancer://origins"), `6: routes[0].path: "/a\"" has '"' in it`},
		{"a path with a variable of httpd", routes(`  - path: '/${a}'`, "    to: balancer://origins"), `6: routes[0].path: "/${a}" has '{' in it`},
		{"a path with dot-dot", routes("  - path: /a/../b", "    to: balancer://origins"), `6: routes[0].path: "/a/../b" has the segment ".."`},
		{"a path twice", routes("  - path: /a", "    to: balancer://origins", "  - path: /a/", "    to: balancer://origins"), `8: routes[1].path: "/a/" is never reached behind "/a" of routes[0]`},
		{"a path behind a shorter one", routes("  - path: /", "    to: balancer://origins", "  - path: /a", "    to: balancer://origins"), "8: routes[1].path: \"/a\" is never reached behind \"/\" of routes[0]\n\thint: the first match wins"},

		{"a trusted host", in("top", "fields: {trusted: [localhost]}"), `1: fields.trusted[0]: "localhost" is neither an address nor a network`},
		{"a trusted address in another form", in("top", "fields: {trusted: ['::ffff:10.0.0.1']}"), `1: fields.trusted[0]: "::ffff:10.0.0.1" is neither`},
		{"a trusted network with a host in it", in("top", "fields: {trusted: [10.0.0.1/8]}"), "1: fields.trusted[0]: \"10.0.0.1/8\" has bits beyond its length\n\thint: \"10.0.0.0/8\" is"},
		{"a trusted proxy that is no list", in("top", "fields: {trusted: 10.0.0.1}"), `1: fields.trusted: "10.0.0.1" is not a list`},
		{"a head without unit", in("top", "limits: {head: 65536}"), `1: limits.head: "65536" is not a size`},
		{"a head in decimal units", in("top", "limits: {head: 64kB}"), `1: limits.head: "64kB" is not a size`},
		{"a head too small to hold one", in("top", "limits: {head: 100B}"), `1: limits.head: 100B is not between 1KiB and 16MiB`},
		{"a head that overflows", in("top", "limits: {head: 99999999999999999999MiB}"), `1: limits.head: "99999999999999999999MiB" is not a size`},
		{"no field at all", in("top", "limits: {fields: 0}"), "1: limits.fields: 0 is not between 1 and 32767"},
		{"connections by halves", in("top", "limits: {connections: 1.5}"), "1: limits.connections: 1.5 is not a whole number"},
		{"connections beyond all bounds", in("top", "limits: {connections: 18446744073709551615}"), "1: limits.connections: 18446744073709551615 is not a whole number"},
		{"a keepalivetimeout of nothing", in("top", "limits: {keepalivetimeout: 0s}"), "1: limits.keepalivetimeout: 0s is not between 1ms and 24h"},
		{"no body at all", in("top", "limits: {body: 0B}"), "1: limits.body: 0B is not between 1B and 1024GiB"},
		{"a body that overflows", in("top", "limits: {body: 99999999999GiB}"), `1: limits.body: "99999999999GiB" is not a size up to 1024GiB`},
		{"a minrate without unit", in("top", "limits: {minrate: 500}"), `1: limits.minrate: "500" is not a size up to 1MiB`},
		{"no connection of one client", in("top", "limits: {perclient: 0}"), "1: limits.perclient: 0 is not between 1 and 1000000"},
		{"a file too large to be written by hand", "#" + strings.Repeat(" ", maxFile), "1: 262145 bytes are more than 256KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.claim, func(t *testing.T) {
			s, err := Parse("site.yaml", []byte(tt.yaml))
			if err == nil {
				t.Fatalf("no fault in\n%s", tt.yaml)
			}
			if s != nil {
				t.Error("a site in spite of the fault")
			}
			if got := err.Error(); !strings.HasPrefix(got, "site.yaml:"+tt.want) {
				t.Errorf("got  %s\nwant site.yaml:%s", got, tt.want)
			}
			if list := err.(*Faults).List; len(list) != 1 {
				t.Errorf("%d faults: %v", len(list), err)
			}
		})
	}
}

// The frame of the rows is right, so that each row fails by its own line.
func TestTheFrameOfTheFaultsIsRight(t *testing.T) {
	for _, y := range []string{in("top", "#"), member("http://a"), routes("  - path: /", "    to: '!'")} {
		if _, err := Parse("site.yaml", []byte(y)); err != nil {
			t.Errorf("%v in\n%s", err, y)
		}
	}
}
