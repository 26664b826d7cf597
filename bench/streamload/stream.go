package main

import (
	"bytes"
	"fmt"
)

// stream is one person's: it outlives its connections.
type stream struct {
	number      int
	user, token string
	fd          int  // -1 while there is no connection
	asked       bool // has the request been sent on it?
	ready       bool
	greeted     bool // has an event come on this connection?
	response    response
	id, lastID  []byte // of the event that is being read, and of the last that was read whole
}

func (s *stream) begin(fd int) {
	s.fd, s.asked, s.ready, s.greeted = fd, false, false, false
	s.response = response{}
	s.id = append(s.id[:0], s.lastID...)
}

func (s *stream) request(path, host string) []byte {
	text := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\n",
		path, host, s.token)
	if len(s.lastID) > 0 {
		text = fmt.Appendf(text, "Last-Event-ID: %s\r\n", s.lastID)
	}
	return append(text, "\r\n"...)
}

// line takes a line of the stream, and returns the payload it carries, if any.
func (s *stream) line(line []byte) []byte {
	field, value, _ := bytes.Cut(line, []byte(":"))
	switch string(field) {
	case "":
		if len(line) == 0 {
			s.lastID = append(s.lastID[:0], s.id...)
		}
	case "id":
		s.id = append(s.id[:0], bytes.TrimSpace(value)...)
	case "data":
		s.greeted = true
		if _, payload, found := bytes.Cut(value, []byte(`"payload":"`)); found {
			return payload
		}
	}
	return nil
}
