package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	atOnce    = 200 // streams that are being opened
	sources   = 8   // addresses from 127.0.0.2 on: one alone has too few ports
	comeBack  = 50 * time.Millisecond
	patience  = 120 // seconds until a stream is open
	readBytes = 64 * 1024
)

// crowd is all streams. One thread reads them; no stream costs a goroutine.
type crowd struct {
	server syscall.SockaddrInet4
	host   string
	path   string
	greets bool
	epoll  int

	closed  chan *stream  // those to be opened
	opening chan struct{} // a place for each that is being opened

	mu      sync.Mutex // for everything below, and the streams
	streams []*stream  // of all people, whether or not asked to open yet
	wanted  int        // how many are asked to be open
	ready   int
	readyAt int64 // when the last of those wanted was open
	ended   int   // how often the server has ended or refused a stream
	errors  map[string]int
	events  *record // of what is published
}

func newCrowd(server *net.TCPAddr, path string, greets bool, people string) (*crowd, error) {
	text, err := os.ReadFile(people)
	if err != nil {
		return nil, err
	}
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	c := &crowd{host: server.String(), path: path, greets: greets, epoll: epoll, errors: map[string]int{}}
	c.server.Port = server.Port
	copy(c.server.Addr[:], server.IP.To4())
	for number, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		user, token, _ := strings.Cut(line, " ")
		c.streams = append(c.streams, &stream{number: number, user: user, token: token, fd: -1})
	}
	c.closed = make(chan *stream, len(c.streams))
	c.opening = make(chan struct{}, atOnce)
	return c, nil
}

type opened struct {
	Seconds float64        `json:"seconds"`
	OwnCPU  float64        `json:"ownCpu"`
	Ended   int            `json:"ended"`
	Errors  map[string]int `json:"errors"`
}

// open opens so many streams more, and returns once all are.
func (c *crowd) open(count int) (answer opened, err error) {
	since, cpu := now(), ownCPU()
	c.mu.Lock()
	first := c.wanted
	c.wanted = min(c.wanted+count, len(c.streams))
	more := c.streams[first:c.wanted]
	c.mu.Unlock()
	for _, s := range more {
		c.closed <- s
	}
	at, err := c.untilReady()
	c.mu.Lock()
	defer c.mu.Unlock()
	answer = opened{Seconds: float64(at-since) / 1e9, OwnCPU: ownCPU() - cpu, Ended: c.ended, Errors: c.errors}
	c.ended, c.errors = 0, map[string]int{}
	return answer, err
}

// untilReady returns when the last of those wanted was open, once they are.
func (c *crowd) untilReady() (at int64, err error) {
	for deadline := now() + seconds(patience); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		missing, at, errs := c.wanted-c.ready, c.readyAt, c.errors
		c.mu.Unlock()
		if missing == 0 {
			return at, nil
		}
		if now() > deadline {
			return 0, fmt.Errorf("%d streams are not open after %d s: %v", missing, patience, errs)
		}
	}
}

// cut ends all streams, as a network would. They come back at once, with the id of the last event they got.
func (c *crowd) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams[:c.wanted] {
		if s.fd >= 0 { // else it is on its way already
			c.end(s)
			c.closed <- s
		}
	}
}

// connect opens whatever is closed, for ever.
func (c *crowd) connect() {
	for s := range c.closed {
		c.opening <- struct{}{}
		c.mu.Lock()
		fd, err := c.dial(s)
		s.begin(fd)
		if err != nil {
			c.failed(s, err)
		}
		c.mu.Unlock()
	}
}

// dial begins to connect. The kernel may take its time: it drops connections that a server is slow to accept.
func (c *crowd) dial(s *stream) (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	source := syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + s.number%sources)}}
	if err = syscall.Bind(fd, &source); err != nil {
		return fd, err
	}
	if err = syscall.Connect(fd, &c.server); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		return fd, err
	}
	return fd, c.watch(syscall.EPOLL_CTL_ADD, s, fd, syscall.EPOLLOUT)
}

// ask sends the request on a connection that has been made, or was refused.
func (c *crowd) ask(s *stream) error {
	if _, err := syscall.Write(s.fd, s.request(c.path, c.host)); err != nil {
		return err
	}
	s.asked = true
	return c.watch(syscall.EPOLL_CTL_MOD, s, s.fd, syscall.EPOLLIN)
}

func (c *crowd) watch(operation int, s *stream, fd int, events uint32) error {
	return syscall.EpollCtl(c.epoll, operation, fd, &syscall.EpollEvent{Events: events, Fd: int32(s.number)})
}

// read serves the streams, for ever.
func (c *crowd) read() {
	runtime.LockOSThread()
	batch := make([]syscall.EpollEvent, 256)
	buffer := make([]byte, readBytes)
	for {
		count, err := syscall.EpollWait(c.epoll, batch, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic(err)
		}
		c.mu.Lock()
		for _, event := range batch[:max(0, count)] {
			c.serve(c.streams[event.Fd], buffer)
		}
		c.mu.Unlock()
	}
}

func (c *crowd) serve(s *stream, buffer []byte) {
	if s.fd < 0 { // closed meanwhile
		return
	}
	if !s.asked {
		if err := c.ask(s); err != nil {
			c.failed(s, err)
		}
		return
	}
	count, err := syscall.Read(s.fd, buffer)
	at := now()
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return
	case err == nil && count == 0:
		err = errEnded
	case err == nil:
		err = s.response.take(buffer[:count], func(line []byte) {
			if payload := s.line(line); payload != nil && c.events != nil {
				c.events.received(s.number, payload, at)
			}
		})
	}
	if err != nil {
		c.failed(s, err)
	} else if !s.ready && s.response.inBody && (s.greeted || !c.greets) {
		s.ready = true
		c.ready++
		c.readyAt = at
		<-c.opening
	}
}

// failed has a stream that the server has ended or refused come back a moment later.
func (c *crowd) failed(s *stream, err error) {
	c.ended++
	c.errors[err.Error()]++
	c.end(s)
	time.AfterFunc(comeBack, func() { c.closed <- s })
}

func (c *crowd) end(s *stream) {
	if s.ready {
		c.ready--
	} else {
		<-c.opening
	}
	if s.fd >= 0 {
		syscall.Close(s.fd)
	}
	s.fd, s.ready = -1, false
}
