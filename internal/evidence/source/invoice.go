// Package source reads evidence about a firm from files and keeps it: today VAT invoices.
//
// The decoder turns CSV, gzipped CSV and XLSX in UTF-8, UTF-16 or GB18030 into rows of integer
// fen, in a stream and in bounded memory. It classifies every row and drops none silently: what
// it cannot read is reported with line, column, and what to do about it.
package source

import (
	"fmt"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// Direction says on which side of the invoice the firm stands.
type Direction uint8

// The two directions. The zero value means "not said", which the decoder settles by the header.
const (
	Purchase Direction = iota + 1 // the firm is the buyer (进项)
	Sale                          // the firm is the seller (销项)
)

// String is the stable lower-case name used in files, JSON and the database.
func (d Direction) String() string {
	switch d {
	case Purchase:
		return "purchase"
	case Sale:
		return "sale"
	}
	return ""
}

// ParseDirection reads the name that String writes.
func ParseDirection(s string) (Direction, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "purchase":
		return Purchase, nil
	case "sale":
		return Sale, nil
	}
	return 0, fmt.Errorf("source: direction %q is neither purchase nor sale", s)
}

// MarshalText writes the stable name.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the stable name; empty means "not said".
func (d *Direction) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0 // not said
		return nil
	}
	v, err := ParseDirection(string(b))
	*d = v
	return err
}

// Invoice is one VAT invoice as seen by the firm that owns the evidence. Money is integer fen.
type Invoice struct {
	Direction    Direction
	Number       string
	Date         calendar.Date
	Counterparty string
	NetMinor     int64
	TaxMinor     int64
	GrossMinor   int64
	Void         bool // status 作废发票, also with stray blanks
	Red          bool // negative gross: a red-letter invoice
	Duplicate    bool // an identical row came before it in the same file
	Mismatch     bool // net + tax differs from gross
}

// Row is one accepted line of an invoice file.
type Row struct {
	Line int64  // as a person counts lines in the file, the header being line 1
	Firm string // code of the firm that owns the evidence
	// CounterpartyID numbers the counterparties of the file from 0 in order of appearance, for those
	// who would rather keep a number than a name per row.
	CounterpartyID uint32
	Invoice
}
