package loadtest

import (
	"context"
	"encoding/json"
	"io"
)

// Stream runs the plan and writes [Header], the samples as they complete, and
// the [End] in a last line of JSON, which begins with "{" as no sample does.
// flush is called after each batch. [ReadRun] reads it. An error means that
// nothing was written.
func (g *Generator) Stream(ctx context.Context, plan Plan, w io.Writer, flush func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := stream{w: w, flush: flush, stop: cancel, buf: []byte(Header + "\n")}
	end, err := g.Run(ctx, plan, s.samples)
	if err != nil {
		return err
	}
	line, err := json.Marshal(end)
	if err != nil {
		return err
	}
	s.buf = append(append(s.buf, line...), '\n')
	s.write()
	return nil
}

// stream writes batches. A reader that is gone stops the run.
type stream struct {
	w     io.Writer
	flush func() error
	stop  context.CancelCauseFunc
	buf   []byte // not yet written
}

func (s *stream) samples(batch []Sample) {
	for i := range batch {
		s.buf = batch[i].AppendCSV(s.buf)
	}
	s.write()
}

func (s *stream) write() {
	_, err := s.w.Write(s.buf)
	if err == nil {
		err = s.flush()
	}
	if err != nil {
		s.stop(err)
	}
	s.buf = s.buf[:0]
}
