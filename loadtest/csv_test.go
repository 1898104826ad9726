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
		Origin: "a\r\nX: y", Err: "say \"no\",\tthen\nstop"}
	want := `3,1,30,31,35,40,200,7,true,a  X: y,"say ""no"", then stop"` + "\n"
	if got := string(s.AppendCSV(nil)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestLinesThatAreNoSample(t *testing.T) {
	const good = "0,0,0,1,2,3,200,5,true,a,"
	if _, err := ParseCSV([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"empty":                   "",
		"a column short":          "0,0,0,1,2,3,200,5,true,a",
		"a column more":           good + ",",
		"space":                   "0, 0,0,1,2,3,200,5,true,a,",
		"plus sign":               "+0,0,0,1,2,3,200,5,true,a,",
		"negative":                "0,0,-1,1,2,3,200,5,true,a,",
		"leading zero":            "0,0,00,1,2,3,200,5,true,a,",
		"number too large":        "0,0,0,1,2,99999999999999999999,200,5,true,a,",
		"right is 1":              "0,0,0,1,2,3,200,5,1,a,",
		"right is True":           "0,0,0,1,2,3,200,5,True,a,",
		"quote without end":       `0,0,0,1,2,3,200,5,true,"a,`,
		"quote in plain text":     `0,0,0,1,2,3,200,5,true,a"b,`,
		"text behind a quote":     `0,0,0,1,2,3,200,5,true,"a"b,`,
		"carriage return at last": "0,0,0,1,2,3,200,5\r,true,a,",
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
	const line = "0,0,0,1,2,3,200,5,true,a,\n"
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
	for _, err := range Read(strings.NewReader(Header + "\n" + strings.Repeat("0,0,0,1,2,3,200,5,true,a,\n", 9) + "bad\n")) {
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
