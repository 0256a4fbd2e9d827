// Package firmbook fills a test institution with firms, consents and invoices drawn from a seed: weak firms sell less,
// irregularly, void more and fall silent, and more of them are labelled bad.
package firmbook

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Today is the business date of dbtest institutions.
var Today = calendar.MustParse("2026-01-05")

// open leaves values as they are: the firms here have no classified fields.
type open struct{}

func (open) Seal(_, plain string) (string, error)  { return plain, nil }
func (open) Open(_, sealed string) (string, error) { return sealed, nil }

// Firm adds a firm of the east branch with its consents and invoices, and returns its id.
func Firm(t testing.TB, d *db.DB, s dbtest.Staff, code, label string, invoices []source.Invoice) (id string) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		var err error
		id, err = firm(t.Context(), tx, d, code, label, invoices)
		return err
	}))
	return id
}

func firm(ctx context.Context, tx *db.Tx, d *db.DB, code, label string, invoices []source.Invoice) (string, error) {
	draft := party.Draft{Code: code, Name: "Firm " + code, CustomerType: party.TypeEnterprise, BranchID: "br_east", BranchPath: "/hq/east/", DefaultLabel: label}
	if label != "" {
		draft.LabelSource = "test"
	}
	f, err := party.NewService(d, open{}).CreateTx(ctx, tx, draft)
	if err != nil {
		return "", err
	}
	for _, purpose := range consent.Purposes {
		if _, err := consent.Grant(ctx, tx, f.ID, consent.Draft{Purpose: purpose, Kinds: []string{consent.KindInvoice}, EndsOn: Today.AddDays(365)}); err != nil {
			return "", err
		}
	}
	return f.ID, publish(ctx, tx, f.ID, invoices)
}

// Add publishes further invoices of a firm.
func Add(t testing.TB, d *db.DB, s dbtest.Staff, firmID string, invoices []source.Invoice) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		return publish(t.Context(), tx, firmID, invoices)
	}))
}

func publish(ctx context.Context, tx *db.Tx, firmID string, invoices []source.Invoice) error {
	batch := tx.NewID("bat")
	rows := make([]source.Staged, len(invoices))
	for i, inv := range invoices {
		rows[i] = source.Staged{Line: int64(i + 2), FirmID: firmID, Invoice: inv}
	}
	if err := source.Stage(ctx, tx, batch, rows); err != nil {
		return err
	}
	_, err := source.Publish(ctx, tx, batch)
	return err
}

// Trade draws two years of invoices of a firm whose strength lies around zero: negative is weak.
func Trade(seed uint64, strength float64) []source.Invoice {
	r := rand.New(rand.NewPCG(seed, 42)) //nolint:gosec // test data
	var all []source.Invoice
	add := func(dir source.Direction, day calendar.Date, party string, net int64, void bool) {
		all = append(all, source.Invoice{Direction: dir, Number: fmt.Sprintf("%d-%d", seed, len(all)), Date: day, Counterparty: party,
			NetMinor: net, TaxMinor: net * 13 / 100, GrossMinor: net + net*13/100, Void: void})
	}
	level := 4e7 * math.Exp(0.9*strength)
	for month := range 24 {
		if month < 3 && r.NormFloat64() > strength+1.2 { // the weak fall silent at the end
			continue
		}
		for range 3 {
			day := Today.AddDays(-month*30 - r.IntN(30))
			amount := int64(level / 3 * math.Exp(0.5*r.NormFloat64()))
			add(source.Sale, day, fmt.Sprintf("buyer %d", r.IntN(3+int(4*math.Max(0, strength+1)))), amount, r.Float64() < 0.05/math.Exp(strength))
			if r.IntN(2) == 0 {
				add(source.Purchase, day.AddDays(-3), fmt.Sprintf("supplier %d", r.IntN(4)), amount, false)
			}
		}
	}
	return all
}

// Labelled adds n firms with labels and returns their ids.
func Labelled(t testing.TB, d *db.DB, s dbtest.Staff, n int) (ids []string) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		ids = ids[:0]
		r := rand.New(rand.NewPCG(2026, 9)) //nolint:gosec // test data
		for i := range n {
			strength := r.NormFloat64()
			label := party.LabelGood
			if strength+0.8*r.NormFloat64() < -0.7 {
				label = party.LabelBad
			}
			id, err := firm(t.Context(), tx, d, fmt.Sprintf("T%03d", i), label, Trade(uint64(i), strength))
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	}))
	return ids
}
