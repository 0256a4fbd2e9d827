package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Institution is a tenant.
type Institution struct {
	ID           string        `json:"id"`
	Code         string        `json:"code" doc:"what its people type at sign-in"`
	Name         string        `json:"name"`
	NameEn       string        `json:"name_en"`
	Currency     string        `json:"currency"`
	Timezone     string        `json:"timezone"`
	BusinessDate calendar.Date `json:"business_date"`
	Demo         bool          `json:"demo" doc:"holds generated data for demonstration"`
	CreatedAt    time.Time     `json:"created_at"`
	Version      int64         `json:"version"`
}

// Branch is a node of an institution's tree; its path names its ancestors, so that a subtree is a prefix.
type Branch struct {
	ID       string `json:"id"`
	ParentID string `json:"parent_id,omitempty"`
	Path     string `json:"path"`
	Code     string `json:"code"`
	Name     string `json:"name"`
	NameEn   string `json:"name_en"`
	Version  int64  `json:"version"`
}

// BranchDraft is a branch to be made under the one named by Parent (a code; empty for the root).
type BranchDraft struct {
	Code, Parent, Name, NameEn string
}

// CreateInstitutionInput describes a new tenant. Without branches it gets one head office, "hq".
type CreateInstitutionInput struct {
	Code, Name, NameEn, Currency, Timezone string
	BusinessDate                           calendar.Date // zero: today in its time zone
	Demo                                   bool
	Branches                               []BranchDraft // parents before children
}

var (
	insertInstitution = db.Q(`insert into institution (institution_id, code, name, name_en, currency, timezone, business_date, demo, created_at, version)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,1)`)
	selectInstitutions = db.Q(`select institution_id, code, name, name_en, currency, timezone, business_date, demo, created_at, version
	from institution where ($1 = '' or institution_id = $1 or code = $1) order by code limit 1000`)
	insertBranch = db.Q(`insert into branch (institution_id, id, parent_id, path, code, name, name_en, created_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,1)`)
	selectBranch = db.Q(`select id, parent_id, path, code, name, name_en, version from branch where institution_id = $1 and (id = $2 or code = $2)`)
	listBranches = db.Q(`select id, parent_id, path, code, name, name_en, version from branch where institution_id = $1 and path like $2 order by path`)
	renameBranch = db.Q(`update branch set name = $3, name_en = $4, version = version + 1 where institution_id = $1 and id = $2 and version = $5`)
)

// CreateInstitution makes a tenant with its branch tree; it is done by the operator, never over HTTP.
func (s *Service) CreateInstitution(ctx context.Context, in CreateInstitutionInput) (Institution, error) {
	var out Institution
	err := s.db.Update(ctx, db.System("operator"), func(tx *db.Tx) (err error) {
		out, err = CreateInstitution(ctx, tx, in)
		return err
	})
	return out, err
}

// CreateInstitution is Service.CreateInstitution inside a system transaction.
func CreateInstitution(ctx context.Context, tx *db.Tx, in CreateInstitutionInput) (Institution, error) {
	zone, zerr := time.LoadLocation(in.Timezone)
	if zerr != nil || in.Timezone == "" {
		zerr = fault.Field("timezone", "不是 IANA 时区，如 Asia/Shanghai", "is not an IANA time zone such as Asia/Shanghai")
	}
	cur := error(nil)
	if len(in.Currency) != 3 || strings.ToUpper(in.Currency) != in.Currency {
		cur = fault.Field("currency", "应为三个大写字母，如 CNY", "must be three capitals such as CNY")
	}
	if err := fault.Join(checkCode("code", in.Code), checkText("name", in.Name, 100), checkText("name_en", in.NameEn, 100), zerr, cur); err != nil {
		return Institution{}, err
	}
	if in.BusinessDate == (calendar.Date{}) {
		in.BusinessDate = calendar.FromTime(tx.Now, zone)
	}
	out := Institution{
		ID: tx.NewID("ins"), Code: in.Code, Name: in.Name, NameEn: in.NameEn, Currency: in.Currency, Timezone: in.Timezone,
		BusinessDate: in.BusinessDate, Demo: in.Demo, CreatedAt: tx.Now, Version: 1,
	}
	_, err := tx.Exec(ctx, insertInstitution, out.ID, out.Code, out.Name, out.NameEn, out.Currency, out.Timezone, out.BusinessDate, out.Demo, db.Micros(tx.Now))
	if err != nil {
		return out, taken(err, "institution", in.Code, "code")
	}
	// From here on the transaction writes for the new tenant: audit and events take it from there.
	tx.Institution = out.ID
	defer func() { tx.Institution = db.AllInstitutions }()
	if len(in.Branches) == 0 {
		in.Branches = []BranchDraft{{Code: "hq", Name: "总行", NameEn: "Head office"}}
	}
	for _, b := range in.Branches {
		if _, err := createBranch(ctx, tx, b); err != nil {
			return out, err
		}
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "institution.create", Object: "institution", ObjectID: out.ID, After: out}); err != nil {
		return out, err
	}
	return out, emit(ctx, tx, "institution.created", "institution", out.ID, out)
}

// Institutions lists tenants, or the one whose id or code is given; for the operator.
func (s *Service) Institutions(ctx context.Context, idOrCode string) ([]Institution, error) {
	var out []Institution
	err := s.db.View(ctx, db.System("operator"), func(tx *db.Tx) (err error) {
		out, err = institutions(ctx, tx, idOrCode)
		return err
	})
	return out, err
}

// Institution gives the caller's own tenant.
func (s *Service) Institution(ctx context.Context, p Principal) (Institution, error) {
	var list []Institution
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		list, err = institutions(ctx, tx, p.InstitutionID)
		return err
	})
	if err == nil && len(list) != 1 {
		err = fault.NotFoundError("institution", p.InstitutionID)
	}
	if err != nil {
		return Institution{}, err
	}
	return list[0], nil
}

func institutions(ctx context.Context, tx *db.Tx, idOrCode string) ([]Institution, error) {
	rows, err := tx.Query(ctx, selectInstitutions, idOrCode)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Institution
	for rows.Next() {
		var i Institution
		var at int64
		if err := rows.Scan(&i.ID, &i.Code, &i.Name, &i.NameEn, &i.Currency, &i.Timezone, &i.BusinessDate, &i.Demo, &at, &i.Version); err != nil {
			return nil, err
		}
		i.CreatedAt = db.Time(at)
		out = append(out, i)
	}
	return out, rows.Err()
}

// branchDepthMax bounds the tree: a path stays readable and indexable.
const branchDepthMax = 8

func createBranch(ctx context.Context, tx *db.Tx, d BranchDraft) (Branch, error) {
	if err := fault.Join(checkCode("code", d.Code), checkText("name", d.Name, 100), checkText("name_en", d.NameEn, 100)); err != nil {
		return Branch{}, err
	}
	b := Branch{ID: tx.NewID("br"), Code: d.Code, Name: d.Name, NameEn: d.NameEn, Path: "/" + d.Code + "/", Version: 1}
	if d.Parent != "" {
		parent, err := FindBranch(ctx, tx, d.Parent)
		if err != nil {
			return b, err
		}
		b.ParentID, b.Path = parent.ID, parent.Path+d.Code+"/"
		if strings.Count(b.Path, "/") > branchDepthMax+1 {
			return b, fault.Field("parent", fmt.Sprintf("网点层级超过 %d", branchDepthMax), fmt.Sprintf("the tree would be deeper than %d", branchDepthMax))
		}
	}
	_, err := tx.Exec(ctx, insertBranch, tx.Institution, b.ID, b.ParentID, b.Path, b.Code, b.Name, b.NameEn, db.Micros(tx.Now))
	return b, taken(err, "branch", d.Code, "code")
}

// FindBranch finds a branch by id or code.
func FindBranch(ctx context.Context, tx *db.Tx, idOrCode string) (Branch, error) {
	var b Branch
	err := tx.QueryRow(ctx, selectBranch, tx.Institution, idOrCode).Scan(&b.ID, &b.ParentID, &b.Path, &b.Code, &b.Name, &b.NameEn, &b.Version)
	if db.IsNoRows(err) {
		return b, fault.NotFoundError("branch", idOrCode)
	}
	return b, err
}

// Branches lists the caller's subtree, parents before children.
func (s *Service) Branches(ctx context.Context, p Principal) ([]Branch, error) {
	var out []Branch
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		out, err = BranchesBelow(ctx, tx, p.BranchPattern())
		return err
	})
	return out, err
}

// BranchesBelow lists the branches whose path matches a principal's branch
// pattern, parents before children.
func BranchesBelow(ctx context.Context, tx *db.Tx, pattern string) ([]Branch, error) {
	rows, err := tx.Query(ctx, listBranches, tx.Institution, pattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Branch
	for rows.Next() {
		var b Branch
		if err := rows.Scan(&b.ID, &b.ParentID, &b.Path, &b.Code, &b.Name, &b.NameEn, &b.Version); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// CreateBranch adds a branch below one the caller sees.
func (s *Service) CreateBranch(ctx context.Context, p Principal, d BranchDraft) (Branch, error) {
	if err := p.Require(PermBranchManage); err != nil {
		return Branch{}, err
	}
	if d.Parent == "" {
		return Branch{}, fault.Required("parent")
	}
	var out Branch
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		parent, err := FindBranch(ctx, tx, d.Parent)
		if err != nil {
			return err
		}
		if !p.Sees(parent.Path) {
			return fault.NotFoundError("branch", d.Parent)
		}
		if out, err = createBranch(ctx, tx, d); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "branch.create", Object: "branch", ObjectID: out.ID, After: out}); err != nil {
			return err
		}
		return emit(ctx, tx, "branch.created", "branch", out.ID, out)
	})
	return out, err
}

// RenameBranch changes the names of a branch; its code and place never change, because paths are
// written into the rows that belong to it.
func (s *Service) RenameBranch(ctx context.Context, p Principal, id, name, nameEn string, check func(version int64) error) (Branch, error) {
	if err := fault.Join(p.Require(PermBranchManage), checkText("name", name, 100), checkText("name_en", nameEn, 100)); err != nil {
		return Branch{}, err
	}
	var out Branch
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		b, err := FindBranch(ctx, tx, id)
		if err == nil && !p.Sees(b.Path) {
			err = fault.NotFoundError("branch", id)
		}
		if err == nil {
			err = check(b.Version)
		}
		if err != nil {
			return err
		}
		out = b
		out.Name, out.NameEn, out.Version = name, nameEn, b.Version+1
		done, err := tx.ExecOne(ctx, renameBranch, tx.Institution, b.ID, name, nameEn, b.Version)
		if err == nil && !done {
			err = fault.New(fault.ReasonStale, "version", b.Version+1)
		}
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "branch.rename", Object: "branch", ObjectID: b.ID, Before: b, After: out}); err != nil {
			return err
		}
		return emit(ctx, tx, "branch.renamed", "branch", b.ID, out)
	})
	return out, err
}
