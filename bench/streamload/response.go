package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var errEnded = errors.New("the server ended the stream")

// response makes lines of an HTTP answer, in whatever pieces it comes. Its body may be chunked or not.
type response struct {
	outer, inner lines // of the head and the chunks' sizes; of the body
	status       int
	inBody       bool
	chunked      bool
	chunk        int // bytes of this chunk still to come, the line end behind it included
}

// take calls bodyLine for each line that data completes. Its argument is valid only during the call.
func (r *response) take(data []byte, bodyLine func([]byte)) error {
	for len(data) > 0 {
		if r.inBody && (!r.chunked || r.chunk > 0) {
			data = r.body(data, bodyLine)
			continue
		}
		line, rest, whole := r.outer.next(data)
		data = rest
		if !whole {
			return nil
		}
		if err := r.outerLine(line); err != nil {
			return err
		}
	}
	return nil
}

func (r *response) outerLine(line []byte) (err error) {
	switch {
	case r.inBody:
		var size int64
		if size, err = strconv.ParseInt(string(line), 16, 32); err == nil && size == 0 {
			err = errEnded
		}
		r.chunk = int(size) + len("\r\n")
	case r.status == 0:
		if _, err = fmt.Sscanf(string(line), "HTTP/1.1 %d", &r.status); err == nil && r.status != 200 {
			err = fmt.Errorf("status %d", r.status)
		}
	case len(line) == 0:
		r.inBody = true
	default:
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			r.chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
	return err
}

// body takes as much of data as belongs to the body, or to this chunk of it. It returns the rest.
func (r *response) body(data []byte, bodyLine func([]byte)) (rest []byte) {
	text := data
	if r.chunked {
		text = data[:min(len(data), max(0, r.chunk-len("\r\n")))]
		taken := min(len(data), r.chunk)
		r.chunk -= taken
		rest = data[taken:]
	}
	for len(text) > 0 {
		line, after, whole := r.inner.next(text)
		if whole {
			bodyLine(line)
		}
		text = after
	}
	return rest
}

// lines cuts lines out of pieces.
type lines struct{ partial []byte }

// next returns the first line and what follows it. Of a line that has not ended yet it keeps what is there.
func (l *lines) next(data []byte) (line, rest []byte, whole bool) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		l.partial = append(l.partial, data...)
		return nil, nil, false
	}
	line = data[:end]
	if len(l.partial) > 0 {
		line = append(l.partial, line...)
		l.partial = line[:0]
	}
	return bytes.TrimSuffix(line, []byte("\r")), data[end+1:], true
}
