package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Machine is where and with what the figures were made.
type Machine struct {
	CPU        string            `json:"cpu"`
	Cores      int               `json:"cores"`
	Kernel     string            `json:"kernel"`
	Go         string            `json:"go"`
	Versions   map[string]string `json:"versions"`
	Systems    []string          `json:"-"` // order of Versions
	Load       string            `json:"load"`
	Origin     string            `json:"origin"`
	Network    string            `json:"network"` // congestion control, and whose network it is
	LoadBefore float64           `json:"load_average_before"`
	LoadAfter  float64           `json:"load_average_after"`
}

func (b *bench) machine() (Machine, error) {
	own, err := ownCores()
	if err != nil {
		return Machine{}, err
	}
	m := Machine{
		CPU: "unknown CPU", Cores: len(own), Kernel: runtime.GOOS, Go: runtime.Version(),
		Versions: map[string]string{}, Load: "the bench's own in Go", Origin: "the bench's own in Go",
		LoadBefore: loadAverage(),
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = after(string(text), "model name", m.CPU)
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control"); err == nil {
		m.Network = strings.TrimSpace(string(text)) + ", the host's network"
		if os.Getenv("BENCH_NETWORK") == "own" {
			m.Network = strings.TrimSpace(string(text)) + ", a network namespace"
		}
	}
	if b.wrk != "" {
		m.Load = b.version(b.wrk, "-v")
	}
	if nginx := b.find.find("nginx"); nginx != "" && !b.GoLoad {
		m.Origin = b.version(nginx, "-v")
	}
	for _, s := range b.systems {
		m.Systems = append(m.Systems, s.name)
		switch {
		case s.version != nil:
			m.Versions[s.name] = b.version(b.programOf(s), s.version...)
		case s.name == "proxyd":
			m.Versions[s.name] = b.version(b.programOf(s), "version")
		default:
			m.Versions[s.name] = s.name + " of " + runtime.Version()
		}
	}
	return m, nil
}

// version is the first line that a program prints of itself. Some exit with an
// error after it, as wrk does.
func (b *bench) version(program string, args ...string) string {
	cmd := exec.Command(program, args...)
	if b.lib != "" {
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+b.lib)
	}
	out, _ := cmd.CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	line, _, _ = strings.Cut(line, " Copyright")
	line, _, _ = strings.Cut(line, " - https:")
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "nginx version: "), "Server version: "))
}

// after is what stands behind the colon of the first line that begins with key.
func after(text, key, otherwise string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// loadAverage is that of the last minute; 0 where nobody says.
func loadAverage() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// Markdown says it in a paragraph.
func (m Machine) Markdown() string {
	var versions []string
	for _, s := range m.Systems {
		if !slices.Contains(versions, m.Versions[s]) { // Apache has several names
			versions = append(versions, m.Versions[s])
		}
	}
	return fmt.Sprintf("%s, %d cores, %s; %s; load %s, origin %s; %s; load average %.1f before and %.1f after. No access log anywhere.\n",
		m.CPU, m.Cores, m.Kernel, strings.Join(versions, "; "), m.Load, m.Origin, m.Network, m.LoadBefore, m.LoadAfter)
}
