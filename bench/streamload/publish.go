package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	connections = 4
	payloadSize = 150 // bytes; with what is around it an event is as long as the usual ones
	quiet       = 3   // seconds without an arrival, after which nothing more is expected
)

// publisher sends commands to Redis without waiting for the answers.
type publisher struct {
	command []string
	conns   []net.Conn
	buffers [connections][]byte
	refused atomic.Int64
	order   []int // in which people get events
	runs    int
}

func newPublisher(redis string, command []string) (*publisher, error) {
	p := &publisher{command: command}
	for range connections {
		conn, err := net.Dial("tcp", redis)
		if err != nil {
			return nil, err
		}
		p.conns = append(p.conns, conn)
		go p.readAnswers(conn)
	}
	return p, nil
}

func (p *publisher) readAnswers(conn net.Conn) {
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if bytes.HasPrefix(lines.Bytes(), []byte("-")) {
			p.refused.Add(1)
		}
	}
}

func publish(c *crowd, p *publisher, rate, lasts, cutAt float64) (answer result, err error) {
	runtime.GC()
	events := p.newRecord(int(rate*lasts), c.wanted)
	commands := p.commands(events, c.streams)
	c.mu.Lock()
	c.events, c.ended, c.errors = events, 0, map[string]int{}
	c.mu.Unlock()
	p.refused.Store(0)
	cpu, begin := ownCPU(), now()+seconds(0.01)
	back := make(chan error, 1)
	if cutAt > 0 {
		go func() {
			time.Sleep(time.Duration(begin + seconds(cutAt) - now()))
			at := now()
			c.cut()
			readyAt, err := c.untilReady()
			answer.BackSeconds = float64(readyAt-at) / 1e9
			back <- err
		}()
	} else {
		back <- nil
	}
	if err = p.send(events, commands, rate, begin); err != nil {
		return answer, err
	}
	if err = <-back; err != nil {
		return answer, err
	}
	c.untilQuiet(events)
	answer.OwnCPU = ownCPU() - cpu
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = nil
	answer.Refused, answer.Ended, answer.Errors = int(p.refused.Load()), c.ended, c.errors
	events.summarise(&answer)
	return answer, nil
}

func (p *publisher) newRecord(count, people int) *record {
	if len(p.order) != people {
		p.order = rand.New(rand.NewSource(1)).Perm(people)
	}
	p.runs++
	return &record{run: p.runs, order: p.order, due: make([]int64, count), sent: make([]int64, count),
		got: make([]int64, count)}
}

// send sends each event when it is due, whatever has become of those before it.
func (p *publisher) send(events *record, commands [][]byte, rate float64, begin int64) error {
	runtime.LockOSThread() // so that it may sleep by the kernel's clock: Go's is a millisecond coarse
	defer runtime.UnlockOSThread()
	for i := range events.due {
		events.due[i] = begin + int64(float64(i)/rate*1e9)
	}
	for next := 0; next < len(events.due); {
		if wait := events.due[next] - now(); wait > 0 {
			pause := syscall.NsecToTimespec(wait)
			syscall.Nanosleep(&pause, nil)
		}
		for at := now(); next < len(events.due) && events.due[next] <= at; next++ {
			buffer := &p.buffers[next%connections]
			*buffer = append(*buffer, commands[next]...)
			events.sent[next] = at
		}
		for i, buffer := range p.buffers {
			if len(buffer) > 0 {
				if _, err := p.conns[i].Write(buffer); err != nil {
					return err
				}
				p.buffers[i] = buffer[:0]
			}
		}
	}
	return nil
}

// commands are encoded beforehand, so that sending them takes next to no time.
func (p *publisher) commands(events *record, people []*stream) [][]byte {
	all := make([][]byte, len(events.due))
	for number := range all {
		payload := fmt.Sprintf("%d.%d.", events.run, number)
		payload += strings.Repeat("x", payloadSize-len(payload))
		fill := strings.NewReplacer("USER", people[events.person(number)].user, "PAYLOAD", payload)
		text := fmt.Appendf(nil, "*%d\r\n", len(p.command))
		for _, word := range p.command {
			word = fill.Replace(word)
			text = fmt.Appendf(text, "$%d\r\n%s\r\n", len(word), word)
		}
		all[number] = text
	}
	return all
}

// untilQuiet returns when all events are there, or nothing has come for a while.
func (c *crowd) untilQuiet(events *record) {
	for arrived, since := -1, now(); now()-since < seconds(quiet); time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		count := events.arrived
		c.mu.Unlock()
		if count == len(events.due) {
			return
		}
		if count != arrived {
			arrived, since = count, now()
		}
	}
}
