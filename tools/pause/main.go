// Holds the namespaces of a pod or of a node open as their process 1: reaps orphans until a signal asks it to end.
// With -input it also ends when standard input does, so that a node never outlives the process that started it.
package main

import (
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	input := flag.Bool("input", false, "end when standard input ends")
	flag.Parse()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	ended := make(chan struct{})
	if *input {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
	}
	for {
		select {
		case <-ended:
			return
		case received := <-signals:
			if received != syscall.SIGCHLD {
				return
			}
			reap()
		}
	}
}

// Collects every child that has ended; one signal may stand for several.
func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return
		}
	}
}
