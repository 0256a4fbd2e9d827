package auth

import (
	"context"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Authority lets a role or a user decide up to an amount. Those of the institution are granted through
// a reviewed proposal; a holder may delegate his own to a colleague for a period, never further.
type Authority struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind" doc:"what may be decided, such as credit.approve"`
	Subject     string     `json:"subject" doc:"role:<code> or user:<id>"`
	Currency    string     `json:"currency"`
	LimitMinor  int64      `json:"limit_minor"`
	ValidFrom   time.Time  `json:"valid_from"`
	ValidUntil  *time.Time `json:"valid_until,omitempty" doc:"absent: until revoked"`
	DelegatedBy string     `json:"delegated_by,omitempty" doc:"user who delegated his own authority"`
	Note        string     `json:"note,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	CreatedBy   string     `json:"created_by"`
	RevokedAt   *time.Time `json:"revoked_at,omitempty"`
	Version     int64      `json:"version"`

	SubjectName     string `json:"subject_name,omitempty" doc:"of a user; in lists"`
	DelegatedByName string `json:"delegated_by_name,omitempty" doc:"in lists"`
	CreatedByName   string `json:"created_by_name,omitempty" doc:"in lists"`
}

// AuthorityDraft describes an authority to be granted.
type AuthorityDraft struct {
	Kind       string     `json:"kind" minLength:"1" maxLength:"60"`
	Subject    string     `json:"subject" minLength:"6" maxLength:"80" doc:"role:<code> or user:<id>"`
	Currency   string     `json:"currency" minLength:"3" maxLength:"3"`
	LimitMinor int64      `json:"limit_minor" minimum:"0"`
	ValidFrom  *time.Time `json:"valid_from,omitempty"`
	ValidUntil *time.Time `json:"valid_until,omitempty"`
	Note       string     `json:"note,omitempty" maxLength:"500"`
}

const authorityColumns = `id, kind, subject, currency, limit_minor, valid_from, valid_until, delegated_by, note, created_at, created_by, revoked_at, version`

var (
	insertAuthority = db.Q(`insert into authority (institution_id, id, kind, subject, currency, limit_minor, valid_from, valid_until, delegated_by, note, created_at, created_by, revoked_at, revoked_by, version)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,0,'',1)`)
	listAuthority = db.Q(`select ` + authorityColumns + `,
	coalesce((select u.name from user_account u where u.institution_id = authority.institution_id and 'user:' || u.id = authority.subject), ''),
	coalesce((select u.name from user_account u where u.institution_id = authority.institution_id and u.id = authority.delegated_by), ''),
	coalesce((select u.name from user_account u where u.institution_id = authority.institution_id and u.id = authority.created_by), '')
	from authority where institution_id = $1 and ($2 = '' or kind = $2) and ($3 = '' or subject = $3 or delegated_by = $4)
	and ($5 = '' or id < $5) order by id desc limit $6`)
	countAuthority = db.Q(`select count(*) from authority where institution_id = $1 and ($2 = '' or kind = $2) and ($3 = '' or subject = $3 or delegated_by = $4)`)
	findAuthority  = db.Q(`select ` + authorityColumns + ` from authority where institution_id = $1 and id = $2`)
	liveAuthority  = db.Q(`select subject, limit_minor, delegated_by from authority where institution_id = $1 and kind = $2 and currency = $3 and revoked_at = 0
	and valid_from <= $4 and (valid_until = 0 or valid_until > $4)`)
	endAuthority = db.Q(`update authority set revoked_at = $3, revoked_by = $4, version = version + 1 where institution_id = $1 and id = $2 and revoked_at = 0`)
)

func scanAuthority(row scanner, names ...any) (Authority, error) {
	var a Authority
	var from, until, created, revoked int64
	err := row.Scan(append([]any{&a.ID, &a.Kind, &a.Subject, &a.Currency, &a.LimitMinor, &from, &until, &a.DelegatedBy, &a.Note, &created, &a.CreatedBy, &revoked, &a.Version}, names...)...)
	a.ValidFrom, a.ValidUntil, a.CreatedAt, a.RevokedAt = db.Time(from), optional(until), db.Time(created), optional(revoked)
	return a, err
}

// LimitOf gives the largest amount the user may decide at this moment, and whether there is any. A
// delegated limit never exceeds what its giver himself still has.
func LimitOf(ctx context.Context, tx *db.Tx, p Principal, kind, currency string) (int64, bool, error) {
	rows, err := tx.Query(ctx, liveAuthority, tx.Institution, kind, currency, db.Micros(tx.Now))
	if err != nil {
		return 0, false, err
	}
	type grant struct {
		subject, giver string
		limit          int64
	}
	var all []grant
	for rows.Next() {
		var g grant
		if err := rows.Scan(&g.subject, &g.limit, &g.giver); err != nil {
			_ = rows.Close()
			return 0, false, err
		}
		all = append(all, g)
	}
	if err := rows.Err(); err != nil {
		return 0, false, err
	}
	var best int64
	found := false
	own := func(userID string, roles []string) (limit int64, ok bool) {
		for _, g := range all {
			mine := g.subject == "user:"+userID
			for _, r := range roles {
				mine = mine || g.subject == "role:"+r
			}
			if mine && g.giver == "" {
				limit, ok = max(limit, g.limit), true
			}
		}
		return limit, ok
	}
	best, found = own(p.UserID, p.Roles)
	for _, g := range all {
		if g.giver == "" || g.subject != "user:"+p.UserID {
			continue
		}
		giver, err := PrincipalOf(ctx, tx, g.giver)
		if fault.Is(err, fault.ReasonNotFound) || fault.Is(err, fault.ReasonUnauthenticated) {
			continue // a giver who has left gives nothing
		}
		if err != nil {
			return 0, false, err
		}
		if limit, ok := own(giver.UserID, giver.Roles); ok {
			best, found = max(best, min(limit, g.limit)), true
		}
	}
	return best, found, nil
}

// CheckAuthority says what is wrong with a draft.
func CheckAuthority(ctx context.Context, tx *db.Tx, d AuthorityDraft) error {
	var errs []error
	if d.LimitMinor < 0 {
		errs = append(errs, fault.Field("limit_minor", "不得为负", "must not be negative"))
	}
	if len(d.Currency) != 3 {
		errs = append(errs, fault.Field("currency", "应为三个大写字母，如 CNY", "must be three capitals such as CNY"))
	}
	if d.ValidUntil != nil && (!d.ValidUntil.After(tx.Now) || (d.ValidFrom != nil && !d.ValidUntil.After(*d.ValidFrom))) {
		errs = append(errs, fault.Field("valid_until", "应晚于现在及起始时间", "must be later than now and than the beginning"))
	}
	kind, id, _ := strings.Cut(d.Subject, ":")
	switch kind {
	case "role":
		if _, err := FindRole(ctx, tx, id); err != nil {
			errs = append(errs, fault.Field("subject", "没有该角色", "names a role that does not exist"))
		}
	case "user":
		if u, err := FindUser(ctx, tx, id); err != nil || u.ID != id || u.Kind != KindPerson {
			errs = append(errs, fault.Field("subject", "没有该用户", "names a user that does not exist"))
		}
	default:
		errs = append(errs, fault.Field("subject", "应为 role:<代码> 或 user:<编号>", "must be role:<code> or user:<id>"))
	}
	return fault.Join(append(errs, checkText("kind", d.Kind, 60))...)
}

// GrantAuthority writes an authority; it is called by an approved proposal, or by the operator.
func GrantAuthority(ctx context.Context, tx *db.Tx, d AuthorityDraft) (Authority, error) {
	return insertGrant(ctx, tx, d, "")
}

func insertGrant(ctx context.Context, tx *db.Tx, d AuthorityDraft, giver string) (Authority, error) {
	if err := CheckAuthority(ctx, tx, d); err != nil {
		return Authority{}, err
	}
	a := Authority{
		ID: tx.NewID("aut"), Kind: d.Kind, Subject: d.Subject, Currency: d.Currency, LimitMinor: d.LimitMinor, ValidFrom: tx.Now, ValidUntil: d.ValidUntil,
		DelegatedBy: giver, Note: d.Note, CreatedAt: tx.Now, CreatedBy: tx.Actor, Version: 1,
	}
	if d.ValidFrom != nil {
		a.ValidFrom = d.ValidFrom.UTC()
	}
	var until int64
	if d.ValidUntil != nil {
		until = db.Micros(*d.ValidUntil)
	}
	_, err := tx.Exec(ctx, insertAuthority, tx.Institution, a.ID, a.Kind, a.Subject, a.Currency, a.LimitMinor, db.Micros(a.ValidFrom), until, giver, a.Note, db.Micros(tx.Now), tx.Actor)
	if err != nil {
		return a, err
	}
	action := "authority.grant"
	if giver != "" {
		action = "authority.delegate"
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "authority", ObjectID: a.ID, After: a}); err != nil {
		return a, err
	}
	return a, emit(ctx, tx, "authority.granted", "authority", a.ID, a)
}

// Delegate lends the caller's own authority to a colleague until a date.
func (s *Service) Delegate(ctx context.Context, p Principal, d AuthorityDraft) (Authority, error) {
	var out Authority
	if d.ValidUntil == nil {
		return out, fault.Required("valid_until")
	}
	if d.Subject == "user:"+p.UserID || !strings.HasPrefix(d.Subject, "user:") {
		return out, fault.Field("subject", "只能转授给另一位用户", "must be another user")
	}
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		limit, ok, err := ownLimit(ctx, tx, p, d.Kind, d.Currency)
		if err != nil {
			return err
		}
		if !ok || d.LimitMinor > limit {
			return fault.New(ReasonOwnAuthority, "limit", money.Group(money.Of(limit, money.Currency(d.Currency)).String())).WithField("limit_minor")
		}
		if d.ValidUntil.Sub(tx.Now) > keyLifeMax {
			return fault.Field("valid_until", "最长一年", "is more than a year away")
		}
		out, err = insertGrant(ctx, tx, d, p.UserID)
		return err
	})
	return out, err
}

// ownLimit is LimitOf without what was delegated: a delegation is not passed on.
func ownLimit(ctx context.Context, tx *db.Tx, p Principal, kind, currency string) (int64, bool, error) {
	rows, err := tx.Query(ctx, liveAuthority, tx.Institution, kind, currency, db.Micros(tx.Now))
	if err != nil {
		return 0, false, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var best int64
	found := false
	for rows.Next() {
		var subject, giver string
		var limit int64
		if err := rows.Scan(&subject, &limit, &giver); err != nil {
			return 0, false, err
		}
		role, isRole := strings.CutPrefix(subject, "role:")
		if giver == "" && (subject == "user:"+p.UserID || isRole && p.HasRole(role)) {
			best, found = max(best, limit), true
		}
	}
	return best, found, rows.Err()
}

// RevokeAuthority ends an authority; it is called by an approved proposal, or by the operator.
func RevokeAuthority(ctx context.Context, tx *db.Tx, id string) error {
	a, err := FindAuthority(ctx, tx, id)
	if err != nil {
		return err
	}
	done, err := tx.ExecOne(ctx, endAuthority, tx.Institution, id, db.Micros(tx.Now), tx.Actor)
	if err != nil || !done {
		return err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "authority.revoke", Object: "authority", ObjectID: id, Before: a}); err != nil {
		return err
	}
	return emit(ctx, tx, "authority.revoked", "authority", id, a)
}

// FindAuthority finds an authority by id.
func FindAuthority(ctx context.Context, tx *db.Tx, id string) (Authority, error) {
	a, err := scanAuthority(tx.QueryRow(ctx, findAuthority, tx.Institution, id))
	if db.IsNoRows(err) {
		err = fault.NotFoundError("authority", id)
	}
	return a, err
}

// EndDelegation lets the giver, or who manages authority, take a delegation back at once.
func (s *Service) EndDelegation(ctx context.Context, p Principal, id string) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err := FindAuthority(ctx, tx, id)
		if err != nil {
			return err
		}
		if a.DelegatedBy == "" || (a.DelegatedBy != p.UserID && !p.Can(PermAuthorityManage)) {
			return fault.NotFoundError("delegation", id)
		}
		return RevokeAuthority(ctx, tx, id)
	})
}

// Authorities lists grants, newest first: all for who may read them, else those that concern the caller.
func (s *Service) Authorities(ctx context.Context, p Principal, kind, after string, limit int) ([]Authority, int64, error) {
	subject, giver := "user:"+p.UserID, p.UserID
	if p.Can(PermAuthorityRead) {
		subject, giver = "", ""
	}
	var out []Authority
	var total int64
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countAuthority, tx.Institution, kind, subject, giver).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listAuthority, tx.Institution, kind, subject, giver, after, limit+1)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var holder, giver, maker string
			a, err := scanAuthority(rows, &holder, &giver, &maker)
			if err != nil {
				return err
			}
			a.SubjectName, a.DelegatedByName, a.CreatedByName = holder, giver, maker
			out = append(out, a)
		}
		return rows.Err()
	})
	return out, total, err
}
