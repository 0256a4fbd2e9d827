// Package iso20022 reads and writes the bank messages of ISO 20022 that money in
// and out needs: camt.053 (statement) and camt.054 (notification) are read,
// pain.001 (credit transfer) is written, pain.002 (status report) is read. The
// readers are for files of strangers: they stream, bound size, depth and length,
// know one namespace, refuse document types and trailing data, and hold amounts
// as minor units. The package is pure; it knows no loan and no database.
package iso20022

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits bound what a message may be; zero fields take the default.
type Limits struct {
	Bytes   int64 // whole message (default 64 MiB)
	Depth   int   // nesting (default 32; the deepest message needs 14)
	Nodes   int   // elements of one entry or header (default 100,000)
	Entries int   // entries of one message (default 200,000)
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	if l.Nodes <= 0 {
		l.Nodes = 100_000
	}
	if l.Entries <= 0 {
		l.Entries = 200_000
	}
	return l
}

// Error is one thing wrong with a message: where, and what to do, in both languages.
type Error struct {
	Line int    // line of the file, from 1
	Path string // Stmt[1]/Ntry[3]/Amt
	Zh   string
	En   string
}

// Error is the English text with its place.
func (e *Error) Error() string { return fmt.Sprintf("iso20022: line %d: %s: %s", e.Line, e.Path, e.En) }

// ErrTooLarge says that a message exceeds a limit.
var ErrTooLarge = errors.New("iso20022: the message exceeds a limit")

const namespacePrefix = "urn:iso:std:iso:20022:tech:xsd:"

// document is a message being read, token by token.
type document struct {
	dec       *xml.Decoder
	limits    Limits
	namespace string
	depth     int
}

// meter counts bytes and fails, where io.LimitReader would pretend an end.
type meter struct {
	r    io.Reader
	left int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, ErrTooLarge
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}

// open reads up to the start of the message's body and answers with the
// message name, for instance camt.053.001.08.
func open(r io.Reader, l Limits, known ...string) (*document, string, error) {
	l = l.withDefaults()
	d := &document{dec: xml.NewDecoder(&meter{r: r, left: l.Bytes + 1}), limits: l}
	d.dec.Strict = true
	d.dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, &Error{Line: 1, Path: "?xml", Zh: "字符集 " + charset + " 不支持，请以 UTF-8 导出", En: "character set " + charset + " is not supported; export as UTF-8"}
	}
	start, ok, err := d.child("Document")
	if err != nil {
		return nil, "", err
	}
	name := strings.TrimPrefix(start.Name.Space, namespacePrefix)
	if !ok || start.Name.Local != "Document" || name == start.Name.Space {
		return nil, "", d.fail("Document", "不是 ISO 20022 报文：根元素须为其命名空间内的 Document", "not an ISO 20022 message: the root must be a Document in its namespace")
	}
	d.namespace = start.Name.Space
	for _, k := range known {
		if k == name {
			return d, name, nil
		}
	}
	return nil, "", d.fail("Document", "报文类型 "+name+" 不在此处理，可用："+strings.Join(known, "、"), "message type "+name+" is not handled here; known are "+strings.Join(known, ", "))
}

func (d *document) fail(path, zh, en string) *Error {
	line, _ := d.dec.InputPos()
	return &Error{Line: line, Path: path, Zh: zh, En: en}
}

// next is the next start or end of an element, or text; it holds the rules that
// make the reader safe.
func (d *document) next() (xml.Token, error) {
	for {
		t, err := d.dec.Token()
		if err != nil {
			return nil, d.broken(err)
		}
		switch v := t.(type) {
		case xml.Directive:
			return nil, d.fail("!DOCTYPE", "不接受文档类型声明与实体", "document types and entities are not accepted")
		case xml.StartElement:
			d.depth++
			if d.depth > d.limits.Depth {
				return nil, fmt.Errorf("%w: nesting deeper than %d", ErrTooLarge, d.limits.Depth)
			}
			if d.namespace != "" && v.Name.Space != d.namespace {
				return nil, d.fail(v.Name.Local, "元素不属于本报文的命名空间", "the element is not of this message's namespace")
			}
			return v, nil
		case xml.EndElement:
			d.depth--
			return v, nil
		case xml.CharData:
			return v, nil
		}
	}
}

// broken names a fault of the file itself. An end in the middle is one.
func (d *document) broken(err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, ErrTooLarge) {
		return err
	}
	text := err.Error()
	if errors.Is(err, io.EOF) {
		text = "the file ends too early"
	}
	return d.fail("XML", "文件不完整或不是 XML，请重新导出（"+text+"）", "the file is incomplete or is not XML; export it again ("+text+")")
}

// child is the next child element of the element that is open, or false at its end.
func (d *document) child(path string) (xml.StartElement, bool, error) {
	for {
		t, err := d.next()
		if err != nil {
			return xml.StartElement{}, false, err
		}
		switch v := t.(type) {
		case xml.StartElement:
			return v, true, nil
		case xml.EndElement:
			return xml.StartElement{}, false, nil
		case xml.CharData:
			if strings.TrimSpace(string(v)) != "" {
				return xml.StartElement{}, false, d.fail(path, "此处不应有文字", "text does not belong here")
			}
		}
	}
}

// end reads what must be the end of the message and of the file.
func (d *document) end() error {
	if _, more, err := d.child("Document"); err != nil || more {
		if err == nil {
			err = d.fail("Document", "一个文件只能有一份报文", "a file holds one message")
		}
		return err
	}
	for {
		t, err := d.dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return d.broken(err)
		}
		if text, ok := t.(xml.CharData); ok && strings.TrimSpace(string(text)) == "" {
			continue
		}
		if _, ok := t.(xml.Comment); ok {
			continue
		}
		return d.fail("Document", "报文之后还有多余内容", "there is something after the message")
	}
}

// node is one element read whole: an entry, a header.
type node struct {
	name     string
	text     string
	currency string // attribute Ccy
	line     int
	children []*node
}

// tree reads the element that was just opened, with all below it.
func (d *document) tree(start xml.StartElement) (*node, error) {
	count := 0
	return d.grow(start, &count)
}

func (d *document) grow(start xml.StartElement, count *int) (*node, error) {
	if *count++; *count > d.limits.Nodes {
		return nil, fmt.Errorf("%w: an entry with more than %d elements", ErrTooLarge, d.limits.Nodes)
	}
	line, _ := d.dec.InputPos()
	n := &node{name: start.Name.Local, line: line}
	for _, a := range start.Attr {
		if a.Name.Local == "Ccy" {
			n.currency = a.Value
		}
	}
	var text strings.Builder
	for {
		t, err := d.next()
		if err != nil {
			return nil, err
		}
		switch v := t.(type) {
		case xml.StartElement:
			c, err := d.grow(v, count)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, c)
		case xml.CharData:
			text.Write(v)
		case xml.EndElement:
			n.text = strings.TrimSpace(text.String())
			if len(n.children) > 0 && n.text != "" {
				return nil, d.fail(n.name, "此处不应有文字", "text does not belong here")
			}
			return n, nil
		}
	}
}

// at walks down the first children of these names; nil when one is missing.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var found *node
		for _, c := range n.children {
			if c.name == name {
				found = c
				break
			}
		}
		n = found
	}
	return n
}

func (n *node) all(name string) []*node {
	var out []*node
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// str is the text at a path, empty when it is missing.
func (n *node) str(path ...string) string {
	if f := n.at(path...); f != nil {
		return f.text
	}
	return ""
}

// once refuses a child that stands there more often than the schema allows.
func (n *node) once(path string, names ...string) *Error {
	for _, name := range names {
		if more := n.all(name); len(more) > 1 {
			return &Error{Line: more[1].line, Path: path + "/" + name, Zh: "只能出现一次", En: "may appear once only"}
		}
	}
	return nil
}

func index(path, name string, n int) string {
	if path != "" {
		path += "/"
	}
	return path + name + "[" + strconv.Itoa(n) + "]"
}
