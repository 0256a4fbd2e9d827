package source

import (
	"bytes"
	"errors"
	"io"
)

// errRecordTooLong and errQuotes concern one record; reading goes on with the next line.
var (
	errRecordTooLong = errors.New("source: record too long")
	errQuotes        = errors.New("source: quotes do not match")
)

// csvReader cuts a stream into records. Lines without a double quote, nearly all, are split where
// they lie in the buffer; a record with quotes is read as RFC 4180 says and may span lines.
// Returned fields are valid until the next call.
type csvReader struct {
	r       io.Reader
	buf     []byte
	pos     int // start of the unread part
	end     int // end of the filled part
	eof     bool
	line    int64 // number of the line at pos
	max     int
	comma   byte
	fields  [][]byte
	scratch []byte
}

const csvBufferSize = 256 << 10

func newCSVReader(r io.Reader, maxRecord int) *csvReader {
	return &csvReader{r: r, buf: make([]byte, max(csvBufferSize, maxRecord+2)), line: 1, max: maxRecord}
}

// next returns the fields of the next record and the line on which it starts. A blank line gives
// no fields. io.EOF ends the stream.
func (c *csvReader) next() ([][]byte, int64, error) {
	line := c.line
	n, err := c.lineEnd(0)
	if errors.Is(err, errRecordTooLong) {
		err = c.skipLine()
	}
	if err != nil {
		return nil, line, err
	}
	record := c.buf[c.pos : c.pos+n]
	if bytes.IndexByte(record, '"') >= 0 {
		return c.quoted(line, n)
	}
	c.consume(n)
	record = trimCR(record)
	if c.comma == 0 {
		c.comma = sniffComma(record)
	}
	c.split(record)
	return c.fields, line, nil
}

// split cuts an unquoted record. A wide record costs memory for headers only, and is bounded by
// the length of the record.
func (c *csvReader) split(record []byte) {
	c.fields = c.fields[:0]
	if len(record) == 0 {
		return
	}
	for {
		i := bytes.IndexByte(record, c.comma)
		if i < 0 {
			c.fields = append(c.fields, record)
			return
		}
		c.fields = append(c.fields, record[:i])
		record = record[i+1:]
	}
}

// lineEnd finds the newline at or behind offset from pos, filling the buffer as needed; the
// returned length counts from pos and leaves the newline out. It consumes nothing.
func (c *csvReader) lineEnd(offset int) (int, error) {
	scan := offset
	for {
		if from := c.pos + scan; from <= c.end {
			if i := bytes.IndexByte(c.buf[from:c.end], '\n'); i >= 0 {
				if scan+i > c.max {
					return 0, errRecordTooLong
				}
				return scan + i, nil
			}
		}
		length := c.end - c.pos
		switch {
		case length > c.max:
			return 0, errRecordTooLong
		case c.eof && (length == 0 || length < offset):
			return 0, io.EOF
		case c.eof:
			return length, nil
		}
		scan = max(offset, length)
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
}

// fill moves the unread part to the front and reads more behind it.
func (c *csvReader) fill() error {
	if c.pos > 0 {
		c.end = copy(c.buf, c.buf[c.pos:c.end])
		c.pos = 0
	}
	for range 100 {
		n, err := c.r.Read(c.buf[c.end:])
		c.end += n
		if errors.Is(err, io.EOF) {
			c.eof = true
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// skipLine passes over the rest of an overlong line without keeping it.
func (c *csvReader) skipLine() error {
	for {
		if i := bytes.IndexByte(c.buf[c.pos:c.end], '\n'); i >= 0 {
			c.consume(i)
			return errRecordTooLong
		}
		c.pos = c.end
		if c.eof {
			c.line++
			return errRecordTooLong
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// consume moves past n bytes and the newline behind them.
func (c *csvReader) consume(n int) {
	c.pos = min(c.pos+n+1, c.end)
	c.line++
}

// quoted reads a record that holds quotes. When its quotes never close within the limit, only its
// first line is given up, so that one stray quote cannot swallow the rest of the file.
func (c *csvReader) quoted(line int64, n int) ([][]byte, int64, error) {
	lines := int64(0)
	for bytes.Count(c.buf[c.pos:c.pos+n], []byte{'"'})%2 == 1 {
		more, err := c.lineEnd(n + 1)
		if errors.Is(err, errRecordTooLong) || errors.Is(err, io.EOF) {
			return c.giveUp(line)
		}
		if err != nil {
			return nil, line, err
		}
		n, lines = more, lines+1
	}
	record := trimCR(c.buf[c.pos : c.pos+n])
	if c.comma == 0 {
		c.comma = sniffComma(record)
	}
	ok := c.splitQuoted(record)
	c.consume(n)
	c.line += lines
	if !ok {
		return nil, line, errQuotes
	}
	return c.fields, line, nil
}

func (c *csvReader) giveUp(line int64) ([][]byte, int64, error) {
	n := bytes.IndexByte(c.buf[c.pos:c.end], '\n')
	if n < 0 {
		n = c.end - c.pos
	}
	c.consume(n)
	return nil, line, errQuotes
}

// splitQuoted fills fields from a complete record; quoted values are unescaped into scratch.
func (c *csvReader) splitQuoted(record []byte) bool {
	c.fields, c.scratch = c.fields[:0], c.scratch[:0]
	if cap(c.scratch) < len(record) {
		c.scratch = make([]byte, 0, len(record))
	}
	for {
		start := bytes.TrimLeft(record, " ")
		if len(start) == 0 || start[0] != '"' {
			i := bytes.IndexByte(record, c.comma)
			value := record
			if i >= 0 {
				value = record[:i]
			}
			if bytes.IndexByte(value, '"') >= 0 {
				return false
			}
			c.fields = append(c.fields, value)
			if i < 0 {
				return true
			}
			record = record[i+1:]
			continue
		}
		rest, last, ok := c.unquote(record[bytes.IndexByte(record, '"')+1:])
		if !ok || last {
			return ok
		}
		record = rest
	}
}

// unquote reads one value up to its closing quote and the comma behind it.
func (c *csvReader) unquote(b []byte) (rest []byte, last, ok bool) {
	from := len(c.scratch)
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return nil, false, false
		}
		c.scratch = append(c.scratch, b[:i]...)
		b = b[i+1:]
		if len(b) > 0 && b[0] == '"' {
			c.scratch = append(c.scratch, '"')
			b = b[1:]
			continue
		}
		c.fields = append(c.fields, c.scratch[from:len(c.scratch):len(c.scratch)])
		i = bytes.IndexByte(b, c.comma)
		if i < 0 {
			return nil, true, len(trimBlank(b)) == 0
		}
		return b[i+1:], false, len(trimBlank(b[:i])) == 0
	}
}

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

// sniffComma takes the delimiter that occurs most in the first line.
func sniffComma(b []byte) byte {
	best, count := byte(','), 0
	for _, c := range []byte{',', '\t', ';', '|'} {
		if n := bytes.Count(b, []byte{c}); n > count {
			best, count = c, n
		}
	}
	return best
}
