package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is an HTTP/1.1 client on one connection that is kept. It understands what this
// service answers: a status and a body of a length that is said.
type conn struct {
	net.Conn
	reader *bufio.Reader
	body   []byte
}

const (
	answerTime = 30 * time.Second
	maxAnswer  = 1 << 20
)

// dial connects. A configuration makes it TLS.
func dial(ctx context.Context, address string, secure *tls.Config) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		c = tls.Client(c, secure)
	}
	return &conn{Conn: c, reader: bufio.NewReaderSize(c, 16<<10)}, nil
}

// hangUp closes the connection, of which nothing more is wanted.
func (c *conn) hangUp() {
	if c != nil {
		_ = c.Close()
	}
}

// ask sends a whole request and reads the answer. The body is good until the next.
func (c *conn) ask(request []byte) (status int, body []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, nil, err
	}
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, errors.New("the answer is not HTTP/1.1")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errors.New("the answer has no status")
	}
	length, err := c.headers()
	if err != nil {
		return 0, nil, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.reader, c.body)
	return status, c.body, err
}

var contentLength = []byte("content-length: ")

// headers reads to the end of the header, and returns the length of the body.
func (c *conn) headers() (length int, err error) {
	length = -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if length < 0 || length > maxAnswer {
				return 0, errors.New("the answer has no length, or too much of it")
			}
			return length, nil
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(line[len(contentLength):])); err != nil {
				return 0, errors.New("the length of the answer is no number")
			}
		}
	}
}

// post is a whole POST of a body.
func post(host, path, mediaType string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, host, mediaType, len(body))
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// get is a whole GET.
func get(host, path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
}
