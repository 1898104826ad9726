package loadtest

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var anySample = rapid.Custom(func(t *rapid.T) Sample {
	ns := func(name string) time.Duration { return time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, name)) }
	text := rapid.StringOf(rapid.SampledFrom([]rune(`ab ,"'{}ñ→`)))
	return Sample{
		N: uint64(rapid.Int64Min(0).Draw(t, "n")), Target: rapid.IntRange(0, 99).Draw(t, "target"),
		Planned: ns("planned"), Start: ns("start"), FirstByte: ns("first"), End: ns("end"),
		Status: rapid.IntRange(0, 599).Draw(t, "status"), Bytes: rapid.Int64Min(0).Draw(t, "bytes"),
		Right: rapid.Bool().Draw(t, "right"), Origin: text.Draw(t, "origin"), Err: text.Draw(t, "err"),
		Item: rapid.IntRange(0, 99).Draw(t, "item"), Cache: text.Draw(t, "cache"),
	}
})

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.csv.gz")
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(anySample, 0, 20).Draw(t, "samples")
		if err := WriteFile(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, want)
		}
	})
}

func TestASampleIsOneLine(t *testing.T) {
	s := Sample{N: 3, Target: 1, Planned: 30, Start: 31, FirstByte: 35, End: 40, Status: 200, Bytes: 7, Right: true,
		Origin: "a\r\nX: y", Err: "say \"no\",\tthen\nstop", Item: 8, Cache: "hit"}
	want := `3,1,30,31,35,40,200,7,true,a  X: y,"say ""no"", then stop",8,hit` + "\n"
	if got := string(s.AppendCSV(nil)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestLinesThatAreNoSample(t *testing.T) {
	const good = "0,0,0,1,2,3,200,5,true,a,,0,"
	if _, err := ParseCSV([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"empty":                   "",
		"a column short":          "0,0,0,1,2,3,200,5,true,a,,0",
		"item is a word":          "0,0,0,1,2,3,200,5,true,a,,x,",
		"a column more":           good + ",",
		"space":                   "0, 0,0,1,2,3,200,5,true,a,,0,",
		"plus sign":               "+0,0,0,1,2,3,200,5,true,a,,0,",
		"negative":                "0,0,-1,1,2,3,200,5,true,a,,0,",
		"leading zero":            "0,0,00,1,2,3,200,5,true,a,,0,",
		"number too large":        "0,0,0,1,2,99999999999999999999,200,5,true,a,,0,",
		"right is 1":              "0,0,0,1,2,3,200,5,1,a,,0,",
		"right is True":           "0,0,0,1,2,3,200,5,True,a,,0,",
		"quote without end":       `0,0,0,1,2,3,200,5,true,"a,,0,`,
		"quote in plain text":     `0,0,0,1,2,3,200,5,true,a,,0"b,,0,`,
		"text behind a quote":     `0,0,0,1,2,3,200,5,true,"a"b,,0,`,
		"carriage return at last": "0,0,0,1,2,3,200,5\r,true,a,,0,",
	} {
		if s, err := ParseCSV([]byte(line)); err == nil {
			t.Errorf("%s: read as %+v", name, s)
		}
	}
}

func TestFilesThatAreDamagedSayWhere(t *testing.T) {
	dir := t.TempDir()
	packed := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.Bytes()
	}
	const line = "0,0,0,1,2,3,200,5,true,a,,0,\n"
	whole := packed(Header + "\n" + strings.Repeat(line, 5))
	for name, row := range map[string]struct {
		file []byte
		want string
	}{
		"not gzip":         {[]byte(Header + "\n" + line), "not a gzip file"},
		"empty file":       {nil, "not a gzip file"},
		"no header":        {packed(line), "line 1: header"},
		"nothing inside":   {packed(""), "line 1: empty"},
		"bad second":       {packed(Header + "\n" + line + "x" + line), "line 3: column 1"},
		"cut line":         {packed(Header + "\n" + line + line[:9]), "line 3: cut off"},
		"cut gzip":         {whole[:len(whole)-9], "unexpected EOF"},
		"flipped checksum": {append(slices.Clone(whole[:len(whole)-8]), make([]byte, 8)...), "checksum"},
	} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, row.file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFile(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}

// A file that cannot be written leaves nothing behind, and the old one as it was.
func TestWriteFileIsWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "taken"), []Sample{{}}); err == nil {
		t.Error("a folder was overwritten")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestReadStopsWhenAskedTo(t *testing.T) {
	n := 0
	for _, err := range Read(strings.NewReader(Header + "\n" + strings.Repeat("0,0,0,1,2,3,200,5,true,a,,0,\n", 9) + "bad\n")) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 9 {
			break
		}
	}
	if n != 9 {
		t.Errorf("%d samples", n)
	}
}

// Recording must cost next to nothing beside a request's 100 µs.
func TestAppendCSVDoesNotAllocate(t *testing.T) {
	s := Sample{N: 1 << 40, Start: time.Hour, End: time.Hour, Status: 200, Right: true, Origin: "origin-a", Err: "read: reset"}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf = s.AppendCSV(buf[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Records from before items and caches were told are still read.
func TestRecordsOfTheFirstHeader(t *testing.T) {
	var got []Sample
	for s, err := range Read(strings.NewReader(firstHeader + "\n0,0,0,1,2,3,200,5,true,a,\n1,0,5,6,7,8,0,0,false,,\"reset, twice\"\n")) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := []Sample{{Start: 1, FirstByte: 2, End: 3, Status: 200, Bytes: 5, Right: true, Origin: "a"}, {N: 1, Planned: 5, Start: 6, FirstByte: 7, End: 8, Err: "reset, twice"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	for _, err := range Read(strings.NewReader(firstHeader + "\n0,0,0,1,2,3,200,5,true,a,,0,hit\n")) {
		if err == nil {
			t.Error("a line has more columns than the header")
		}
	}
}
