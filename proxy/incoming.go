package proxy

import (
	"io"
	"time"

	"proxylab/proxy/http1"
)

// incoming is the body of a response as its bytes come, without its framing. It is
// read by a goroutine, which waits.
type incoming struct {
	src      *http1.Conn
	body     http1.Body
	left     int64 // of a body with a length
	chunks   http1.Chunked
	data     []byte        // of a chunk, not taken yet
	patience time.Duration // longest silence
}

// next waits for more of the body: io.EOF is its end. What it returns lives until
// the next call, and use says how much of it was taken.
func (b *incoming) next() ([]byte, error) {
	for {
		p, err := b.here()
		if err != nil || len(p) > 0 {
			return p, err
		}
		b.src.ReadWithin(b.patience)
		switch err := b.src.Fill(); {
		case err == io.EOF && b.body.Kind != http1.UntilClose:
			return nil, errCut
		case err != nil:
			return nil, err
		}
	}
}

// here is what of the body is in the buffer.
func (b *incoming) here() ([]byte, error) {
	switch b.body.Kind {
	case http1.NoBody:
		return nil, io.EOF
	case http1.InChunks:
		return b.chunk()
	}
	p := b.src.Buffered()
	if b.body.Kind == http1.Sized {
		if b.left == 0 {
			return nil, io.EOF
		}
		p = p[:min(int64(len(p)), b.left)]
	}
	return p, nil
}

// chunk is the data of the chunk that is in the buffer. Trailer fields are passed
// over.
func (b *incoming) chunk() ([]byte, error) {
	for len(b.data) == 0 {
		part, data, n, err := b.chunks.Next(b.src.Buffered())
		b.src.Use(n)
		switch {
		case err != nil:
			return nil, err
		case part == http1.Data:
			b.data = data
		case part == http1.End:
			return nil, io.EOF
		case part == http1.More:
			return nil, nil
		}
	}
	return b.data, nil
}

func (b *incoming) use(n int) {
	if b.body.Kind == http1.InChunks {
		b.data = b.data[n:]
		return
	}
	b.src.Use(n)
	b.left -= int64(n)
}
