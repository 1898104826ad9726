package bench

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownNetworkMark is in the environment of a bench that has a network of its own.
const ownNetworkMark = "BENCH_NETWORK=own"

// congestion is what all sockets of such a bench have: on a loopback device there
// is nothing to congest, and what sends by a timer, as BBR does, is measured with
// its timers.
const congestion = "reno"

// OwnNetwork starts the program anew in a network namespace that has nothing but a
// loopback device: without the firewall rules of the host, which a container engine
// has for each packet, and with the same congestion control for all systems. It
// returns where that is so already, with an error where it cannot be, since only
// root may; then the host's network is what the figures are made on.
func OwnNetwork() error {
	if os.Getenv("BENCH_NETWORK") == "own" {
		return setUpNetwork()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the program that follows has the namespace of this thread
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("a network namespace: %w", err)
	}
	return unix.Exec(self, os.Args, append(os.Environ(), ownNetworkMark))
}

// setUpNetwork brings the loopback device up.
func setUpNetwork() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return errors.Join(
		unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo),
		os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte(congestion), 0o644),
	)
}
