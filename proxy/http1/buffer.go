package http1

import "sync"

// BufferSize is that of the pooled buffers. Most heads and small answers fit;
// bodies above it are not copied through buffers where the kernel can move them.
const BufferSize = 16 << 10

type block [BufferSize]byte

var blocks = sync.Pool{New: func() any { return new(block) }}

// Buffer is bytes in a block from the pool, or in a larger one of its own once
// it grew.
type Buffer struct {
	block *block // nil while nothing is held
	B     []byte // len says how many are in use
}

// hold makes sure that there is a block.
func (b *Buffer) hold() {
	if b.block == nil {
		b.block = blocks.Get().(*block)
		b.B = b.block[:0]
	}
}

// Free gives the block back. Slices of B are dead from here on.
func (b *Buffer) Free() {
	if b.block != nil {
		blocks.Put(b.block)
	}
	*b = Buffer{}
}
