package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cespare/xxhash/v2"

	"proxylab/proxy/cache"
)

// A file has one object:
//
//	 0  magic and version, 8 bytes
//	 8  where the body begins, 4 bytes; numbers are little-endian
//	12  length of the record, 4 bytes
//	16  length of the body, 8 bytes
//	24  checksum of the body, 8 bytes
//	32  checksum of the 32 bytes before and of the record, 8 bytes
//	40  the record, and room for one that is a little longer
//	 …  the body
//
// Checksums are xxHash64: against disks, not against who may write to the
// directory.
const (
	magic      = "plcache\x01"
	headerSize = 40
	roomBehind = 256 // of a record
	maxRecord  = 1 << 20
)

var errCorrupt = errors.New("no file of this cache, or not as it was written")

// fileID is the place of a key on disk: 61 bits of its SHA-256, and 0 as the slot.
// Nobody finds another key with the same ones for a key that is given.
func fileID(key []byte) uint64 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint64(sum[:]) &^ (maxVariants - 1)
}

// filePath is where an object is: 4,096 folders hold the files of any number. It
// is known from the key, so that a file can be found before the directory was
// read.
func (d *disk) filePath(id uint64) string {
	name := fmt.Sprintf("%016x", id)
	return filepath.Join(d.objects, name[:3], name)
}

// header are the bytes before the body, of the given length, or as many as are
// needed for 0.
func header(record []byte, area int, size int64, sum uint64) []byte {
	if area == 0 {
		area = areaFor(len(record))
	}
	b := make([]byte, area)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], uint32(area))
	binary.LittleEndian.PutUint32(b[12:], uint32(len(record)))
	binary.LittleEndian.PutUint64(b[16:], uint64(size))
	binary.LittleEndian.PutUint64(b[24:], sum)
	copy(b[headerSize:], record)
	binary.LittleEndian.PutUint64(b[32:], headSum(b, record))
	return b
}

func areaFor(record int) int { return (headerSize + record + roomBehind + 63) &^ 63 }

func headSum(b, record []byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	h.Write(b[:32])
	h.Write(record)
	return h.Sum64()
}

// head is what stands before the body of a file.
type head struct {
	entry  *cache.Entry
	area   int64
	size   int64
	sum    uint64
	record int
}

// readHead reads and checks all but the body. The error is errCorrupt, or that of
// the system.
func (d *disk) readHead(f *os.File, id uint64) (h head, err error) {
	first := make([]byte, 1024)
	n, err := f.ReadAt(first, 0)
	if err != nil && err != io.EOF {
		return h, err
	}
	if n < headerSize || string(first[:8]) != magic {
		return h, errCorrupt
	}
	b := first[:n]
	h.area, h.record = int64(binary.LittleEndian.Uint32(b[8:])), int(binary.LittleEndian.Uint32(b[12:]))
	h.size, h.sum = int64(binary.LittleEndian.Uint64(b[16:])), binary.LittleEndian.Uint64(b[24:])
	if h.record > maxRecord || int64(headerSize+h.record) > h.area || h.area > 2*maxRecord || h.size < 0 {
		return h, errCorrupt
	}
	if need := headerSize + h.record; need > n {
		b = make([]byte, need)
		if _, err := f.ReadAt(b, 0); err == io.EOF {
			return h, errCorrupt
		} else if err != nil {
			return h, err
		}
	}
	written := b[headerSize : headerSize+h.record]
	if binary.LittleEndian.Uint64(b[32:]) != headSum(b, written) {
		return h, errCorrupt
	}
	info, err := f.Stat()
	if err != nil {
		return h, err
	}
	h.entry = cache.RestoreRecord(written, d.policy.Load())
	if h.entry == nil || info.Size() != h.area+h.size || sizeOf(h.entry) != h.size || fileID(h.entry.Key) != id&^(maxVariants-1) {
		return h, errCorrupt
	}
	return h, nil
}

// checkBody compares the body of a file with its checksum. The file may be large:
// this reads all of it, once in the life of a process.
func checkBody(f *os.File, h *head) error {
	var sum xxhash.Digest
	sum.Reset()
	if _, err := io.Copy(&sum, io.NewSectionReader(f, h.area, h.size)); err != nil {
		return err
	}
	if sum.Sum64() != h.sum {
		return errCorrupt
	}
	return nil
}

// readObject makes an object of a file, with its body where that is small.
func (d *disk) readObject(f *os.File, id uint64) (*object, *cache.Entry, error) {
	h, err := d.readHead(f, id)
	if err != nil {
		return nil, nil, err
	}
	o := &object{record: record(h.entry), size: h.size, sum: h.sum, id: id}
	if h.size <= d.o.Object {
		o.body = make([]byte, h.size)
		if _, err := f.ReadAt(o.body, h.area); err != nil && h.size > 0 {
			return nil, nil, err
		}
		if xxhash.Sum64(o.body) != h.sum {
			return nil, nil, errCorrupt
		}
	}
	return o, h.entry, nil
}
