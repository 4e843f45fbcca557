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
	answerTimeout    = 30 * time.Second
	readBuffer       = 64 * 1024
)

// A connection that carries one request at a time.
type connection struct {
	conn   *tls.Conn
	reader *bufio.Reader
	body   []byte
}

type answer struct {
	status  int
	patched bool
}

func connect(address string, config *tls.Config) (*connection, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: handshakeTimeout}, "tcp", address, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &connection{conn: conn, reader: bufio.NewReaderSize(conn, readBuffer)}, nil
}

func (c *connection) post(request []byte) (answer, error) {
	_ = c.conn.SetDeadline(time.Now().Add(answerTimeout))
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	status, length, err := c.readHead()
	if err != nil {
		return answer{}, err
	}
	if err := c.readBody(length); err != nil {
		return answer{}, err
	}
	return answer{status: status, patched: bytes.Contains(c.body, []byte(`"patch":"`))}, nil
}

const chunked = -1

func (c *connection) readHead() (status, length int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no HTTP status: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if !found {
			return status, length, nil
		}
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			length = chunked
		}
	}
}

func (c *connection) readBody(length int) error {
	c.body = c.body[:0]
	if length != chunked {
		return c.readBytes(length)
	}
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.readBytes(int(size)); err != nil {
			return err
		}
		if _, err := c.reader.Discard(len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

func (c *connection) readBytes(length int) error {
	from := len(c.body)
	if need := from + length; need > cap(c.body) {
		c.body = append(make([]byte, 0, need*2), c.body...)
	}
	c.body = c.body[:from+length]
	_, err := io.ReadFull(c.reader, c.body[from:])
	return err
}
