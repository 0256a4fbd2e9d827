// Package profile keeps what a firm looked like on a date: its feature values and chart series, computed from invoices
// that a consent allowed to be read, stored once and never changed.
package profile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// Snapshot is a firm's profile as of a date.
type Snapshot struct {
	ID             string         `json:"id"`
	FirmID         string         `json:"firm_id"`
	AsOf           calendar.Date  `json:"as_of"`
	FeatureVersion string         `json:"feature_version"`
	InputHash      string         `json:"input_hash" doc:"of the invoices behind it; the same hash is the same evidence"`
	Invoices       int            `json:"invoices" doc:"valid invoices within 60 months"`
	Months         int            `json:"months" doc:"months with a valid invoice"`
	Vector         feature.Vector `json:"vector"`
	Series         feature.Series `json:"series"`
	CreatedAt      time.Time      `json:"created_at"`
	CreatedBy      string         `json:"created_by"`
}

// inputHash identifies the evidence of a snapshot. It adds up the digests of the invoices, so their order does not
// matter, but an invoice twice is not an invoice once.
func inputHash(asOf calendar.Date, invoices []source.Invoice) string {
	var sum [4]uint64
	var row []byte
	for i := range invoices {
		row = appendInvoice(row[:0], &invoices[i])
		digest := sha256.Sum256(row)
		for w := range sum {
			sum[w] += binary.LittleEndian.Uint64(digest[w*8:])
		}
	}
	row = append(row[:0], feature.Version...)
	row = append(append(row, 0), asOf.String()...)
	row = binary.LittleEndian.AppendUint64(append(row, 0), uint64(len(invoices)))
	for _, w := range sum {
		row = binary.LittleEndian.AppendUint64(row, w)
	}
	digest := sha256.Sum256(row)
	return hex.EncodeToString(digest[:])
}

func appendInvoice(b []byte, inv *source.Invoice) []byte {
	b = append(b, byte(inv.Direction))
	for _, set := range []bool{inv.Void, inv.Red, inv.Duplicate, inv.Mismatch} {
		if set {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(inv.Date.Days())) //nolint:gosec // a bit pattern, not a number
	for _, v := range []int64{inv.NetMinor, inv.TaxMinor, inv.GrossMinor} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v)) //nolint:gosec // a bit pattern, not a number
	}
	b = append(append(b, inv.Number...), 0)
	return append(b, inv.Counterparty...)
}
