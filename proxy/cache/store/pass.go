package store

import "sync"

// passWindow is how many bytes of a content that is too large to be stored wait in
// memory for the slowest of its readers.
const passWindow = 128 << 10

// passing is the rest of a content that is not stored, on its way to those who read
// it. Fill.mu guards it.
//
//	0            from          at                 end
//	├── stored ──┤ …forgotten… ├── window ────────┤ … to come
//	                           ▲ the slowest reader is in here, or before from
type passing struct {
	from   int64 // where it begins in the content; what is before that lies where it lay
	at     int64 // place of the first byte of window
	window []byte
	room   sync.Cond // a reader has read, or left
}

// Pass adds to a content that is not to be stored: there was no room for it, or it is
// larger than the Site wants. It takes no more room than that of what came before,
// and passWindow: so unlike Write it waits, for the slowest reader. Nobody is cut off
// who reads, and nobody makes others wait longer than a client may that does not.
// Without readers it does not wait. Commit stores nothing after it; Finish and Abort
// say how it ended.
func (f *Fill) Pass(p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	f.full = true
	if f.passing == nil {
		f.passing = &passing{from: f.n, at: f.n}
		f.passing.room.L = &f.mu
	}
	w := f.passing
	for len(w.window) > 0 && len(w.window)+len(p) > passWindow && !f.forget() {
		if w.room.Wait(); f.err != nil {
			return f.err
		}
	}
	w.window = append(w.window, p...)
	f.n += int64(len(p))
	f.wake()
	return nil
}

// forget lets go of what all have read, once that is half of the window or more, or
// all that is in it. False says that it is not.
func (f *Fill) forget() bool {
	w := f.passing
	end := w.at + int64(len(w.window))
	slowest := end
	for r := range f.readers {
		slowest = min(slowest, r.at)
	}
	if slowest < end && slowest < w.at+passWindow/2 {
		return false
	}
	// Readers may still have the old bytes.
	w.window = append(make([]byte, 0, passWindow), w.window[slowest-w.at:]...)
	w.at = slowest
	f.buf = nil
	f.uncount()
	if f.temp != nil {
		f.temp.drop()
		f.temp = nil
	}
	return true
}

// piece is what there is from a place on.
func (w *passing) piece(at int64) Piece {
	b := w.window[at-w.at:]
	return Piece{Bytes: b[:len(b):len(b)], Size: int64(len(b))}
}
