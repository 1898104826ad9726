package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client runs plans on the [Server] at Addr, host:port.
type Client struct{ Addr string }

// ErrCut is a stream of samples that ended without its End.
var ErrCut = errors.New("the generator's answer ended without its end record\n\thint: it was killed or ran out of memory; see its log")

// Run sends the plan and reads its samples as they complete. onSample, if not
// nil, is called for each one in the order of their ends. The samples come back
// sorted by N; after an error, as many as came.
func (c *Client) Run(ctx context.Context, plan Plan, onSample func(Sample)) ([]Sample, End, error) {
	if err := plan.Validate(); err != nil {
		return nil, End{}, err
	}
	body, err := json.Marshal(plan)
	if err != nil {
		return nil, End{}, err
	}
	resp, done, err := c.post(ctx, "/run", body)
	if err != nil {
		return nil, End{}, err
	}
	defer done()
	samples, end, err := ReadRun(resp.Body, onSample)
	SortSamples(samples)
	if err != nil {
		err = fmt.Errorf("generator %s: %w", c.Addr, errors.Join(context.Cause(ctx), err))
	}
	return samples, end, err
}

// Drop closes the connections that the generator keeps between runs.
func (c *Client) Drop(ctx context.Context) error {
	_, done, err := c.post(ctx, "/drop", nil)
	if err != nil {
		return err
	}
	done()
	return nil
}

// post sends body on a connection of its own, never through a proxy. An answer
// that is not of the class 2xx is an error with the answer's text.
func (c *Client) post(ctx context.Context, path string, body []byte) (resp *http.Response, done func(), err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	resp, err = transport.RoundTrip(req)
	if err != nil {
		return nil, nil, fmt.Errorf("generator %s: %w", c.Addr, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxLine))
		return nil, nil, fmt.Errorf("generator %s: %s: %s", c.Addr, resp.Status, strings.TrimSpace(string(text)))
	}
	return resp, func() { resp.Body.Close() }, nil
}

// ReadRun reads what POST /run answers, or what "loadgen run" writes.
func ReadRun(r io.Reader, onSample func(Sample)) ([]Sample, End, error) {
	lines := newLines(r)
	if err := lines.header(); err != nil {
		return nil, End{}, err
	}
	var samples []Sample
	for {
		line, err := lines.next()
		if err == io.EOF {
			return samples, End{}, ErrCut
		}
		if err != nil {
			return samples, End{}, lines.at(err)
		}
		if len(line) > 0 && line[0] == '{' {
			end, err := decodeEnd(line)
			if err != nil {
				return samples, End{}, lines.at(fmt.Errorf("end record: %w", err))
			}
			if _, err := lines.next(); err != io.EOF {
				return samples, end, lines.at(errors.New("something follows the end record"))
			}
			return samples, end, nil
		}
		s, err := lines.sample(line)
		if err != nil {
			return samples, End{}, lines.at(err)
		}
		samples = append(samples, s)
		if onSample != nil {
			onSample(s)
		}
	}
}

func decodeEnd(line []byte) (End, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var e End
	err := d.Decode(&e)
	return e, err
}
