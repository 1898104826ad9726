package http1

import (
	"bytes"
	"strconv"

	"proxylab/proxy/message"
)

// Part is what a piece of a chunked body is.
type Part uint8

// The parts.
const (
	More    Part = iota // more bytes are needed
	Data                // bytes of the body
	Trailer             // a trailer field line, without its CRLF
	End                 // the body is over
)

const (
	maxSizeLine = 256  // bytes of a chunk's size and extensions with CRLF
	maxTrailer  = 8192 // bytes of a trailer section
)

// Chunked decodes a chunked body (RFC 9112 §7.1). Its zero value is at the start
// of one.
//
//	for {
//		part, data, n, err := c.Next(buf)
//		buf = buf[n:]
//		…
//	}
//
// It is strict: a size is one to sixteen hex digits that fit in 63 bits, an
// extension follows without a space, each line ends in CRLF.
type Chunked struct {
	state   chunkState
	left    int64 // of the chunk's data
	trailer int   // bytes of the trailer section so far
}

type chunkState uint8

const (
	atSize chunkState = iota
	inData
	afterData // before the CRLF that ends a chunk
	inTrailer
	atEnd
)

// Next takes the next part from the start of buf. It used n bytes, of which data
// are those that mean something; with More and End it may have used some too.
func (c *Chunked) Next(buf []byte) (part Part, data []byte, n int, err error) {
	used := 0
	for {
		switch c.state {
		case atSize:
			n, err = c.size(buf[used:])
		case inData:
			k := min(int64(len(buf)-used), c.left)
			if k == 0 {
				return More, nil, used, nil
			}
			if c.left -= k; c.left == 0 {
				c.state = afterData
			}
			end := used + int(k)
			return Data, buf[used:end], end, nil
		case afterData:
			n, err = c.dataEnd(buf[used:])
		case inTrailer:
			var line []byte
			if line, n, err = c.trailerLine(buf[used:]); len(line) > 0 {
				return Trailer, line, used + n, nil
			}
		case atEnd:
			return End, nil, used, nil
		}
		if err != nil || n == 0 {
			return More, nil, used, err
		}
		used += n
	}
}

// size reads a chunk's first line. What cannot become one is refused before the
// line is whole.
func (c *Chunked) size(b []byte) (n int, err error) {
	var size int64
	i := 0
	for ; i < len(b) && class[b[i]]&isHexDig != 0; i++ {
		if i == 16 || size>>59 != 0 {
			return 0, errChunkSize
		}
		size = size<<4 | int64(unhex(b[i]))
	}
	if i == len(b) {
		return 0, nil
	}
	if i == 0 || b[i] != ';' && b[i] != '\r' {
		return 0, errChunkSize
	}
	end, err := chunkLineEnd(b, i)
	if err != nil || end == 0 {
		return 0, err
	}
	c.left, c.state = size, inData
	if size == 0 {
		c.state = inTrailer
	}
	return end, nil
}

// chunkLineEnd finds the end of a chunk's first line behind its size, and looks
// at the bytes of the extensions, which are passed over otherwise (§7.1.1).
func chunkLineEnd(b []byte, from int) (end int, err error) {
	line := b[:min(len(b), maxSizeLine)]
	i := bytes.IndexByte(line, '\n')
	ext := line[from:]
	switch {
	case i >= 0:
		if line[i-1] != '\r' {
			return 0, errBareLF
		}
		ext, end = line[from:i-1], i+1
	case len(line) == maxSizeLine:
		return 0, errChunkExt
	case line[len(line)-1] == '\r':
		ext = ext[:len(ext)-1]
	}
	if hasControl(ext) {
		return 0, errChunkExt
	}
	return end, nil
}

// dataEnd wants the CRLF behind a chunk's data.
func (c *Chunked) dataEnd(b []byte) (n int, err error) {
	switch {
	case len(b) > 0 && b[0] != '\r', len(b) > 1 && b[1] != '\n':
		return 0, errChunkEnd
	case len(b) < 2:
		return 0, nil
	}
	c.state = atSize
	return 2, nil
}

// trailerLine reads a line of the trailer section, or the empty one that ends
// it.
func (c *Chunked) trailerLine(b []byte) (line []byte, n int, err error) {
	i := bytes.IndexByte(b, '\n')
	size := i + 1
	if i < 0 {
		size = len(b)
	}
	if c.trailer+size > maxTrailer {
		return nil, 0, errTrailerFields
	}
	switch {
	case i < 0:
		return nil, 0, nil
	case i == 0 || b[i-1] != '\r':
		return nil, 0, errBareLF
	}
	c.trailer += size
	if line = b[:i-1]; len(line) == 0 {
		c.state = atEnd
		return nil, size, nil
	}
	if _, _, err = parseField(line); err != nil {
		return nil, 0, err
	}
	return line, size, nil
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// TrailerForwarded says whether a trailer field line goes on to the next hop.
func TrailerForwarded(line []byte) bool {
	name, _, err := parseField(line)
	return err == nil && !message.NotInTrailers.Has(message.VariableOf(name))
}

// AppendChunk writes data as one chunk. Data must not be empty: that would end
// the body.
func AppendChunk(dst, data []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(data)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// ChunkOverhead is the most that AppendChunk adds to the data.
const ChunkOverhead = 16 + 4
