package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Formats and encodings as reports name them.
const (
	FormatCSV   = "csv"
	FormatGzip  = "csv.gz"
	FormatXLSX  = "xlsx"
	EncUTF8     = "utf-8"
	EncUTF8BOM  = "utf-8-bom"
	EncGB18030  = "gb18030"
	EncUTF16    = "utf-16"
	sniffLength = 64 << 10
)

// maxRatio is the compression ratio beyond which a file is taken for a bomb once it has unpacked
// to more than ratioFrom bytes. Real invoice files compress 4 to 6 times.
const (
	maxRatio  = 100
	ratioFrom = 64 << 20
)

// input is an opened file: its format and encoding known, its text in UTF-8.
type input struct {
	format   string
	encoding string
	text     io.Reader     // CSV as UTF-8
	raw      *bufio.Reader // XLSX as it came
	read     *atomic.Int64 // bytes taken from the caller's reader
	close    func()
}

// counter counts what passes through and stops when the context ends.
type counter struct {
	ctx context.Context //nolint:containedctx // lives for one decode
	r   io.Reader
	n   *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// openInput looks at the first bytes to learn format and encoding; the name is not trusted.
func openInput(ctx context.Context, r io.Reader, o Options) (*input, error) {
	in := &input{read: new(atomic.Int64), close: func() {}}
	raw := bufio.NewReaderSize(counter{ctx, r, in.read}, sniffLength)
	head, err := raw.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, fault.New(ReasonFileEmpty, "file", o.Name)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		in.format, in.encoding, in.raw = FormatXLSX, EncUTF8, raw
		return in, nil
	case bytes.HasPrefix(head, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return nil, formatError(o.Name, "Excel 97-2003 (.xls)", "Excel 97-2003 (.xls)")
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		in.format = FormatGzip
		unzipped, err := gzip.NewReader(raw)
		if err != nil {
			return nil, damaged(o.Name, 1, err)
		}
		ahead := readAhead(&unpackLimit{r: unzipped, packed: in.read, name: o.Name, max: o.MaxBytes})
		in.close = ahead.stop
		err = in.openText(bufio.NewReaderSize(ahead, sniffLength), o)
		if err != nil {
			in.close()
		}
		return in, err
	}
	in.format = FormatCSV
	return in, in.openText(bufio.NewReaderSize(&unpackLimit{r: raw, packed: in.read, name: o.Name, max: o.MaxBytes}, sniffLength), o)
}

// openText settles the encoding of a CSV and arranges for UTF-8.
func (in *input) openText(r *bufio.Reader, o Options) error {
	head, err := r.Peek(sniffLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return wrapRead(o.Name, 1, err)
	}
	in.text = r
	switch {
	case len(head) == 0:
		return fault.New(ReasonFileEmpty, "file", o.Name)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		return formatError(o.Name, "压缩包内又是压缩包", "a packed file inside a packed file")
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		in.encoding = EncUTF8BOM
		_, err := r.Discard(3)
		return err
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		in.encoding = EncUTF16
		in.text = transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case bytes.IndexByte(head, 0) >= 0:
		return formatError(o.Name, "不是文本文件", "not a text file")
	case validPrefix(head):
		in.encoding = EncUTF8
	default:
		in.encoding = EncGB18030
		in.text = transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder())
	}
	return nil
}

// validPrefix reports whether b is UTF-8, leaving a rune cut off at the end aside.
func validPrefix(b []byte) bool {
	for i := 0; i < utf8.UTFMax && len(b) > 0; i++ {
		if r, n := utf8.DecodeLastRune(b); r != utf8.RuneError || n != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return utf8.Valid(b)
}

func formatError(file, zh, en string) error {
	return fault.New(ReasonFileFormat, "file", file, "problem", en, "problem_zh", zh)
}

func damaged(file string, line int64, cause error) error {
	return fault.New(ReasonFileDamaged, "file", file, "line", line, "problem", cause.Error()).Wrap(cause)
}

// wrapRead turns a reading failure into a fault, leaving faults and cancellation as they are.
func wrapRead(file string, line int64, err error) error {
	if _, ok := fault.As(err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return damaged(file, line, err)
}

// unpackLimit stops a stream that unpacks to too much, in all or for its packed size.
type unpackLimit struct {
	r      io.Reader
	packed *atomic.Int64
	name   string
	max    int64
	n      int64
}

func (u *unpackLimit) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	if u.n > u.max {
		return 0, fault.New(ReasonFileTooLarge, "file", u.name, "limit", u.max)
	}
	if u.n > ratioFrom && u.n/maxRatio > u.packed.Load() {
		return 0, fault.New(ReasonFileBomb, "file", u.name, "limit", maxRatio)
	}
	return n, err
}

// ahead unpacks on its own goroutine, so that unpacking and parsing use two cores for one file.
type ahead struct {
	full  chan block
	empty chan []byte
	quit  chan struct{}
	done  chan struct{}
	now   block
	rest  []byte
}

type block struct {
	b   []byte
	err error
}

const (
	aheadBlocks = 4
	aheadSize   = 128 << 10
)

func readAhead(r io.Reader) *ahead {
	a := &ahead{
		full: make(chan block, aheadBlocks), empty: make(chan []byte, aheadBlocks),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	for range aheadBlocks {
		a.empty <- make([]byte, aheadSize)
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var b []byte
		select {
		case b = <-a.empty:
		case <-a.quit:
			return
		}
		n, err := io.ReadFull(r, b[:aheadSize])
		if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
			err = nil // ReadFull says this of a short last block as well; the next read tells
		}
		a.full <- block{b[:n], err} // never blocks: there are as many slots as blocks
		if err != nil {
			return
		}
	}
}

// Read hands out the blocks in order.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.b != nil {
			a.empty <- a.now.b[:cap(a.now.b)]
		}
		a.now = <-a.full
		a.rest = a.now.b
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the goroutine and waits for it: the caller may close its file afterwards.
func (a *ahead) stop() {
	close(a.quit)
	<-a.done
}
