package store

import (
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"proxylab/proxy/cache"
)

// Options are what a store is made of. The zero value of each member stands for
// the default that is named.
type Options struct {
	Memory int64 // bytes of all that is kept in memory, with what it takes to keep it; 64 MiB
	Object int64 // bytes of a body up to which it is kept in memory; 1 MiB, and no more than a sixteenth of Memory

	Dir   string // of the files; "" for none
	Disk  int64  // bytes of all files; 1 GiB
	Files int    // descriptors that may be open at once; 256

	Variants int // of one key, at most 8; 8

	Policy *cache.Policy    // that entries are restored by; see SetPolicy
	Logger *slog.Logger     // what is wrong with the directory, once; slog.Default()
	Now    func() time.Time // the clock that entries have their times of; time.Now
}

const (
	maxVariants = 8
	slotBits    = 3
	stripes     = 64
)

func (o *Options) setDefaults() {
	if o.Memory <= 0 {
		o.Memory = 64 << 20
	}
	if o.Object <= 0 {
		o.Object = 1 << 20
	}
	o.Object = min(o.Object, o.Memory/16)
	if o.Disk <= 0 {
		o.Disk = 1 << 30
	}
	if o.Files <= 0 {
		o.Files = 256
	}
	if o.Variants <= 0 || o.Variants > maxVariants {
		o.Variants = maxVariants
	}
	if o.Policy == nil {
		o.Policy = &cache.Policy{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Store keeps responses. Any number of goroutines may use it.
type Store struct {
	o      Options
	seed   maphash.Seed
	memory *otter.Cache[uint64, *object] // by hash; the list of what has that key
	disk   *disk                         // nil without
	locks  [stripes]stripe               // by hash: who changes the list of a key holds one
	policy atomic.Pointer[cache.Policy]
	purges purges
	counts counts
	coming atomic.Int64 // bytes of fills in memory
	closed sync.Once
}

// counts are the store's own figures.
type counts struct {
	hits, misses, loads             atomic.Int64
	stored, dropped, evicted        atomic.Int64
	removed, purged, tooLarge, late atomic.Int64
}

// Stats is how a store stands. Counters count from the start of the process.
type Stats struct {
	MemoryBytes, MemoryKeys int64
	MemoryMax               int64 // bound of MemoryBytes
	DiskBytes, DiskFiles    int64
	DiskMax                 int64 // bound of DiskBytes; 0 without a directory
	DiskScanned             bool  // all files of the directory are known
	OpenFiles               int64 // descriptors

	Hits   int64 // keys that were found in memory
	Loads  int64 // keys that were found on disk
	Misses int64 // keys that were not found

	Stored      int64 // responses
	TooLarge    int64 // responses that turned out to be larger than there is room for
	Late        int64 // updates and responses that came when they had been overtaken
	Dropped     int64 // files that were not written, since the disk was too slow, full or not writable
	Evicted     int64 // keys that left the memory for others
	DiskEvicted int64 // files that left the disk for others
	Corrupt     int64 // files that were torn, changed or not ours, and were removed
	Removed     int64 // keys that were invalidated
	Purged      int64 // responses that were purged
}

// Open makes a store. A directory that cannot be used is no error: the store then
// keeps in memory only, and Logger hears of it. An error is about Options.
func Open(o Options) (*Store, error) {
	o.setDefaults()
	if o.Memory < 1<<20 {
		return nil, errors.New("cache: memory of less than 1 MiB")
	}
	s := &Store{o: o, seed: maphash.MakeSeed()}
	s.policy.Store(o.Policy)
	memory, err := otter.New(&otter.Options[uint64, *object]{
		MaximumWeight: uint64(o.Memory),
		Weigher:       func(_ uint64, o *object) uint32 { return o.weight() },
		OnDeletion: func(e otter.DeletionEvent[uint64, *object]) {
			if e.Cause == otter.CauseOverflow {
				s.counts.evicted.Add(1)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	s.memory = memory
	if o.Dir != "" {
		s.disk = openDisk(&s.o, &s.policy)
	}
	s.purges.open(s)
	return s, nil
}

// Close ends what goes on behind and closes all files. What was handed out must
// have been closed before. A second call does nothing.
func (s *Store) Close() {
	s.closed.Do(func() {
		s.purges.close()
		if s.disk != nil {
			s.disk.close()
		}
		s.memory.InvalidateAll()
		s.memory.CleanUp()
	})
}

// Flush waits until what was stored so far is in its files.
func (s *Store) Flush() {
	if s.disk != nil {
		s.disk.flush()
	}
}

// Stats says how s stands.
func (s *Store) Stats() Stats {
	c := &s.counts
	st := Stats{
		MemoryBytes: int64(s.memory.WeightedSize()), MemoryKeys: int64(s.memory.EstimatedSize()), MemoryMax: s.o.Memory,
		Hits: c.hits.Load(), Loads: c.loads.Load(), Misses: c.misses.Load(), Stored: c.stored.Load(),
		TooLarge: c.tooLarge.Load(), Late: c.late.Load(), Dropped: c.dropped.Load(), Evicted: c.evicted.Load(),
		Removed: c.removed.Load(), Purged: c.purged.Load(),
	}
	if s.disk != nil {
		st.DiskMax = s.o.Disk
		s.disk.stats(&st)
	}
	return st
}

func (s *Store) hash(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

// stripe guards the lists of the keys that fall into it, and knows which of them
// were invalidated lately: a response that was asked for before that is not stored
// after it. It has room for a few; of all earlier ones it knows when the last was.
type stripe struct {
	sync.Mutex
	removed [16]struct {
		hash uint64
		at   time.Time
	}
	next  int
	floor time.Time
}

func (s *Store) stripe(hash uint64) *stripe { return &s.locks[hash%stripes] }

func (p *stripe) noteRemoved(hash uint64, at time.Time) {
	r := &p.removed[p.next]
	p.next = (p.next + 1) % len(p.removed)
	if r.at.After(p.floor) {
		p.floor = r.at
	}
	r.hash, r.at = hash, at
}

// overtaken says whether what was requested then may have been invalidated since.
func (p *stripe) overtaken(hash uint64, requested time.Time) bool {
	if !requested.After(p.floor) && !p.floor.IsZero() {
		return true
	}
	for i := range p.removed {
		if r := &p.removed[i]; r.hash == hash && !r.at.IsZero() && !requested.After(r.at) {
			return true
		}
	}
	return false
}
