package reports_test

import (
	"testing"

	"proxylab/reports"
)

// BenchmarkWrite makes the report of 18 trials, 86400 requests together.
func BenchmarkWrite(b *testing.B) {
	dir := newSynthetic(6).write(b, b.TempDir())
	for b.Loop() {
		if _, err := reports.Write(dir); err != nil {
			b.Fatal(err)
		}
	}
}
