package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	handshakeTimeout = 10 * time.Second
	headLimit        = 4096
)

// A connection that carries one request at a time.
type seat struct {
	address string
	request []byte
	conn    *tls.Conn
	reader  *bufio.Reader
}

type answer struct {
	status     int
	retryAfter int
}

func (s *seat) connect() error {
	dialer := &net.Dialer{Timeout: handshakeTimeout}
	// What is measured is the load, not the certificate.
	conn, err := tls.DialWithDialer(dialer, "tcp", s.address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		return err
	}
	s.conn, s.reader = conn, bufio.NewReaderSize(conn, headLimit)
	return nil
}

// Sends the request, on a new connection when there is none, and reads the answer.
func (s *seat) post(deadline time.Time) (answer, error) {
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return answer{}, fmt.Errorf("connect: %w", err)
		}
	}
	_ = s.conn.SetDeadline(deadline)
	if _, err := s.conn.Write(s.request); err != nil {
		return answer{}, s.drop(err)
	}
	result, closes, err := s.read()
	if err != nil {
		return answer{}, s.drop(err)
	}
	if closes {
		_ = s.drop(nil)
	}
	return result, nil
}

func (s *seat) drop(err error) error {
	_ = s.conn.Close()
	s.conn = nil
	return err
}

func (s *seat) read() (result answer, closes bool, err error) {
	line, err := s.reader.ReadSlice('\n')
	if err != nil {
		return result, false, err
	}
	if len(line) < 12 {
		return result, false, fmt.Errorf("no HTTP status: %q", line)
	}
	if result.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return result, false, err
	}
	length := 0
	for {
		line, err = s.reader.ReadSlice('\n')
		if err != nil {
			return result, false, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if !found {
			break
		}
		switch string(bytes.ToLower(name)) {
		case "content-length":
			length, err = strconv.Atoi(string(value))
		case "retry-after":
			result.retryAfter, err = strconv.Atoi(string(value))
		case "connection":
			closes = string(value) == "close"
		}
		if err != nil {
			return result, false, err
		}
	}
	_, err = io.CopyN(io.Discard, s.reader, int64(length))
	return result, closes, err
}
