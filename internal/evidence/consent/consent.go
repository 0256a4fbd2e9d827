// Package consent keeps who may read what about a firm, for which purpose and until when. Every read of
// evidence goes through Read, which refuses without a live consent and records the read.
package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Kinds of evidence and purposes that a consent can name.
const (
	KindInvoice   = "invoice"
	PurposeCredit = "credit" // assess, decide, price
	PurposeWatch  = "watch"  // monitor after the money is out
)

// Kinds and Purposes are the known words.
var (
	Kinds    = []string{KindInvoice, "tax", "power", "bank_flow", "bureau"}
	Purposes = []string{PurposeCredit, PurposeWatch}
)

// Reasons of this package.
var (
	ReasonMissing = fault.Declare("CONSENT_MISSING", fault.Forbidden, "企业 {firm} 未授权以“{purpose}”目的读取“{kind}”数据", "Firm {firm} has not consented to reading {kind} for {purpose}",
		"请企业签署授权后重试（企业页面 → 授权）", "Have the firm grant consent (firm page, consents) and retry")
	ReasonWithdrawn = fault.Declare("CONSENT_WITHDRAWN", fault.Conflict, "该授权已撤回", "The consent was withdrawn",
		"需要时请企业重新授权", "Have the firm grant a new one if needed")
)

// Consent is a grant.
type Consent struct {
	ID             string        `json:"id"`
	FirmID         string        `json:"firm_id"`
	Purpose        string        `json:"purpose"`
	Kinds          []string      `json:"kinds"`
	Recipient      string        `json:"recipient" doc:"who may read: this institution unless named"`
	StartsOn       calendar.Date `json:"starts_on"`
	EndsOn         calendar.Date `json:"ends_on"`
	EvidenceHash   string        `json:"evidence_hash" doc:"SHA-256 of the signed authorisation"`
	GrantedBy      string        `json:"granted_by"`
	GrantedAt      time.Time     `json:"granted_at"`
	WithdrawnAt    *time.Time    `json:"withdrawn_at,omitempty"`
	WithdrawReason string        `json:"withdraw_reason,omitempty"`
	Live           bool          `json:"live" doc:"in force on the business date"`
}

func (c Consent) covers(kind, purpose, recipient string, today calendar.Date) bool {
	return c.WithdrawnAt == nil && c.Purpose == purpose && c.Recipient == recipient && slices.Contains(c.Kinds, kind) && !today.Before(c.StartsOn) && !today.After(c.EndsOn)
}

// Draft is a consent about to be recorded.
type Draft struct {
	Purpose      string        `json:"purpose" enum:"credit,watch"`
	Kinds        []string      `json:"kinds" minItems:"1" maxItems:"20"`
	Recipient    string        `json:"recipient,omitempty" maxLength:"60" doc:"empty: this institution"`
	StartsOn     calendar.Date `json:"starts_on,omitempty" doc:"empty: the business date"`
	EndsOn       calendar.Date `json:"ends_on" doc:"at most five years after the start"`
	EvidenceHash string        `json:"evidence_hash,omitempty" maxLength:"64"`
}

const yearsMax = 5

func (d Draft) validate() error {
	var errs []error
	if !slices.Contains(Purposes, d.Purpose) {
		errs = append(errs, fault.Field("purpose", "未知的用途", "is not a known purpose"))
	}
	if len(d.Kinds) == 0 {
		errs = append(errs, fault.Required("kinds"))
	}
	for _, k := range d.Kinds {
		if !slices.Contains(Kinds, k) {
			errs = append(errs, fault.Field("kinds", "未知的数据种类 "+k, "has an unknown kind "+k))
		}
	}
	if d.EndsOn.IsZero() || d.EndsOn.Before(d.StartsOn) || d.EndsOn.After(d.StartsOn.AddMonths(12*yearsMax, calendar.Clamp)) {
		errs = append(errs, fault.Field("ends_on", "须在起始日之后且不超过五年", "must follow the start by at most five years"))
	}
	return fault.Join(errs...)
}

var (
	insertConsent = db.Q(`insert into consent (institution_id, id, firm_id, purpose, kinds, recipient, starts_on, ends_on, evidence_hash, granted_by, granted_at, withdrawn_at, withdrawn_by, withdraw_reason)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,0,'','')`)
	byFirm = db.Q(`select id, firm_id, purpose, kinds, recipient, starts_on, ends_on, evidence_hash, granted_by, granted_at, withdrawn_at, withdraw_reason
		from consent where institution_id = $1 and firm_id = $2 order by id desc limit 500`)
	withdraw = db.Q(`update consent set withdrawn_at = $4, withdrawn_by = $5, withdraw_reason = $6 where institution_id = $1 and firm_id = $2 and id = $3 and withdrawn_at = 0`)
	addRead  = db.Q(`insert into consent_read (institution_id, id, consent_id, firm_id, kind, purpose, actor, at) values ($1,$2,$3,$4,$5,$6,$7,$8)`)
	reads    = db.Q(`select id, consent_id, kind, purpose, actor, at from consent_read where institution_id = $1 and firm_id = $2 and ($3 = '' or id < $3) order by id desc limit $4`)
	readsAll = db.Q(`select count(*) from consent_read where institution_id = $1 and firm_id = $2`)
)

// Grant records a consent of a firm.
func Grant(ctx context.Context, tx *db.Tx, firmID string, d Draft) (Consent, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return Consent{}, err
	}
	if d.StartsOn.IsZero() {
		d.StartsOn = today
	}
	if d.Recipient == "" {
		d.Recipient = tx.Institution
	}
	if err := d.validate(); err != nil {
		return Consent{}, err
	}
	c := Consent{
		ID: tx.NewID("cns"), FirmID: firmID, Purpose: d.Purpose, Kinds: d.Kinds, Recipient: d.Recipient, StartsOn: d.StartsOn, EndsOn: d.EndsOn,
		EvidenceHash: d.EvidenceHash, GrantedBy: tx.Actor, GrantedAt: tx.Now,
	}
	c.Live = c.covers(d.Kinds[0], d.Purpose, d.Recipient, today)
	kinds, err := json.Marshal(c.Kinds)
	if err != nil {
		return Consent{}, err
	}
	if _, err := tx.Exec(ctx, insertConsent, tx.Institution, c.ID, firmID, c.Purpose, string(kinds), c.Recipient, c.StartsOn, c.EndsOn, c.EvidenceHash, c.GrantedBy, db.Micros(tx.Now)); err != nil {
		return Consent{}, err
	}
	if err := pointGranted.Hit(ctx); err != nil {
		return Consent{}, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "consent.grant", Object: "firm", ObjectID: firmID, After: c}); err != nil {
		return Consent{}, err
	}
	return c, event.Append(ctx, tx, event.Draft{Type: "consent.granted", Aggregate: "firm", AggregateID: firmID, Payload: c})
}

// Withdraw ends a consent at once.
func Withdraw(ctx context.Context, tx *db.Tx, firmID, id, reason string) error {
	ok, err := tx.ExecOne(ctx, withdraw, tx.Institution, firmID, id, db.Micros(tx.Now), tx.Actor, reason)
	if err != nil {
		return err
	}
	if !ok {
		all, err := ByFirm(ctx, tx, firmID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(c Consent) bool { return c.ID == id }) {
			return fault.New(ReasonWithdrawn)
		}
		return fault.NotFoundError("consent", id)
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "consent.withdraw", Object: "firm", ObjectID: firmID, After: map[string]string{"consent_id": id}, Note: reason}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "consent.withdrawn", Aggregate: "firm", AggregateID: firmID, Payload: map[string]string{"consent_id": id, "reason": reason}})
}

// ByFirm lists the consents of a firm, newest first.
func ByFirm(ctx context.Context, tx *db.Tx, firmID string) ([]Consent, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, byFirm, tx.Institution, firmID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Consent{}
	for rows.Next() {
		var c Consent
		var kinds string
		var granted, withdrawn int64
		if err := rows.Scan(&c.ID, &c.FirmID, &c.Purpose, &kinds, &c.Recipient, &c.StartsOn, &c.EndsOn, &c.EvidenceHash, &c.GrantedBy, &granted, &withdrawn, &c.WithdrawReason); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(kinds), &c.Kinds); err != nil {
			return nil, fmt.Errorf("consent %s: %w", c.ID, err)
		}
		c.GrantedAt = db.Time(granted)
		if withdrawn != 0 {
			at := db.Time(withdrawn)
			c.WithdrawnAt = &at
		}
		c.Live = len(c.Kinds) > 0 && c.covers(c.Kinds[0], c.Purpose, c.Recipient, today)
		out = append(out, c)
	}
	return out, rows.Err()
}

// Access is one intended read.
type Access struct {
	Subject   string // firm id
	Kind      string // "invoice"
	Purpose   string // "credit"
	Recipient string // empty: this institution
}

// Read checks that a live consent covers the access and records it in tx; CONSENT_MISSING otherwise.
// It must be called in a writing transaction: the record is part of the read.
func Read(ctx context.Context, tx *db.Tx, a Access) error {
	if a.Recipient == "" {
		a.Recipient = tx.Institution
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	all, err := ByFirm(ctx, tx, a.Subject)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.covers(a.Kind, a.Purpose, a.Recipient, today) {
			_, err := tx.Exec(ctx, addRead, tx.Institution, tx.NewID("crd"), c.ID, a.Subject, a.Kind, a.Purpose, tx.Actor, db.Micros(tx.Now))
			return err
		}
	}
	return fault.New(ReasonMissing, "firm", a.Subject, "kind", a.Kind, "purpose", a.Purpose)
}

// ReadRecord is one read as the firm can see it.
type ReadRecord struct {
	ID        string    `json:"id"`
	ConsentID string    `json:"consent_id"`
	Kind      string    `json:"kind"`
	Purpose   string    `json:"purpose"`
	Actor     string    `json:"actor"`
	At        time.Time `json:"at"`
}

// Reads lists who read a firm's evidence, newest first.
func Reads(ctx context.Context, tx *db.Tx, firmID, before string, limit int) (out []ReadRecord, total int64, err error) {
	if err := tx.QueryRow(ctx, readsAll, tx.Institution, firmID).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, reads, tx.Institution, firmID, before, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	out = []ReadRecord{}
	for rows.Next() {
		var r ReadRecord
		var at int64
		if err := rows.Scan(&r.ID, &r.ConsentID, &r.Kind, &r.Purpose, &r.Actor, &at); err != nil {
			return nil, 0, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, total, rows.Err()
}

// Instants at which a test may break off.
var (
	pointGranted = failpoint.Declare("consent.granted")
)
