// Command streamload opens event streams, publishes events through Redis and measures what arrives. Linux only.
//
//	streamload -streams HOST:PORT -redis HOST:PORT -people FILE [flags] -- REDIS-COMMAND...
//
// FILE has a line `USER TOKEN` for each stream. In the words of the Redis command USER and PAYLOAD stand for
// whom an event is for and what it carries. The server is to send the payload on as `"payload":"..."`.
//
// It obeys the lines of its standard input, and answers each by one line of JSON:
//
//	open COUNT                     opens so many streams more
//	publish RATE SECONDS CUT-AT    publishes; after CUT-AT seconds, if not 0, cuts all streams, which come back
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

var start = time.Now()

// now is in nanoseconds, by a clock that never jumps.
func now() int64 { return int64(time.Since(start)) }

func seconds(s float64) int64 { return int64(s * 1e9) }

func main() {
	server := flag.String("streams", "", "address of the server")
	path := flag.String("path", "/", "path of the streams")
	greets := flag.Bool("greets", false, "a stream is open once its first event is there, not at the answer's head")
	redis := flag.String("redis", "", "address of Redis")
	people := flag.String("people", "", "file with a line `USER TOKEN` for each stream")
	flag.Parse()
	debug.SetGCPercent(-1) // its pauses would be taken for the server's
	if err := run(*server, *path, *greets, *redis, *people, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "streamload:", err)
		os.Exit(1)
	}
}

func run(server, path string, greets bool, redis, people string, command []string) error {
	address, err := net.ResolveTCPAddr("tcp4", server)
	if err != nil {
		return err
	}
	crowd, err := newCrowd(address, path, greets, people)
	if err != nil {
		return err
	}
	publisher, err := newPublisher(redis, command)
	if err != nil {
		return err
	}
	go crowd.read()
	go crowd.connect()
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := obey(lines.Text(), crowd, publisher)
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

func obey(line string, crowd *crowd, publisher *publisher) (any, error) {
	var count int
	var rate, lasts, cutAt float64
	if strings.HasPrefix(line, "open ") {
		if _, err := fmt.Sscanf(line, "open %d", &count); err != nil {
			return nil, err
		}
		return crowd.open(count)
	}
	if _, err := fmt.Sscanf(line, "publish %g %g %g", &rate, &lasts, &cutAt); err != nil {
		return nil, err
	}
	return publish(crowd, publisher, rate, lasts, cutAt)
}

// ownCPU is the processor time this process has used, in seconds.
func ownCPU() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
