package pricing

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Permissions of the table of loan prime rates.
var (
	permissionLPR = auth.DeclarePermission("benchmark.maintain", "维护贷款市场报价利率", "Maintain the loan prime rates",
		auth.RoleRisk, auth.RoleOperations)
	permissionLPRReview = auth.DeclarePermission("benchmark.review", "复核贷款市场报价利率", "Review changes of the loan prime rates",
		auth.RoleRisk, auth.RoleApprover)
)

// Reasons of the table.
var (
	ReasonLPRRow = fault.Declare("LPR_ROW", fault.Invalid,
		"“{value}”：{problem}", "{value}: {problem}",
		"每行为：发布日期,1年期,5年期以上，利率以百分数填写，例如 2026-03-20,3.00,3.50", "A line is: date,one year,over five years, rates in per cent, such as 2026-03-20,3.00,3.50")
	ReasonLPRTable = fault.Declare("LPR_TABLE", fault.Invalid,
		"报价表不正确：{problem}", "The table is not right: {problem}", "改正后再提交", "Correct it and submit again")
)

// KindLPR is the change of the table that two persons make.
const KindLPR = "benchmark.lpr"

// Origins of a publication.
const (
	OriginBuiltIn     = "built_in"
	OriginInstitution = "institution"
)

// LPRRow is a publication with where it comes from.
type LPRRow struct {
	benchmark.Publication
	Origin     string     `json:"origin" enum:"built_in,institution"`
	Certainty  string     `json:"certainty" enum:"verified,general_knowledge,derived_unchanged"`
	Source     string     `json:"source"`
	Version    int64      `json:"version"`
	Irregular  bool       `json:"irregular" doc:"not the 20th or the working day after it"`
	ApprovedBy string     `json:"approved_by,omitempty"`
	At         *time.Time `json:"at,omitempty"`
}

var (
	selectLPR = db.Q(`select published_on, version, lpr_1y, lpr_5y, source, approved_by, at from lpr_publication p where institution_id = $1
		and version = (select max(version) from lpr_publication q where q.institution_id = p.institution_id and q.published_on = p.published_on) order by published_on`)
	insertLPR = db.Q(`insert into lpr_publication (institution_id, published_on, version, lpr_1y, lpr_5y, source, made_by, approved_by, at)
		select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7, $8 from lpr_publication where institution_id = $1 and published_on = $2`)
)

// LPRRows is the institution's table with its origins: the built-in history, and
// over it what the institution keeps.
func LPRRows(ctx context.Context, tx *db.Tx) ([]LPRRow, error) {
	built, err := lprRows()
	if err != nil {
		return nil, err
	}
	own, err := ownLPR(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []LPRRow
	for _, r := range built {
		for len(own) > 0 && own[0].On.Before(r.on) {
			out, own = append(out, own[0]), own[1:]
		}
		if len(own) > 0 && own[0].On == r.on {
			continue // the institution's own word replaces ours
		}
		p := benchmark.Publication{On: r.on, OneYear: r.oneYear, FiveYears: r.fiveYears}
		out = append(out, LPRRow{Publication: p, Origin: OriginBuiltIn, Certainty: r.certainty, Irregular: irregular(p)})
	}
	return append(out, own...), nil
}

func irregular(p benchmark.Publication) bool { return benchmark.PublishedIn(p.On) != p.On }

func ownLPR(ctx context.Context, tx *db.Tx) ([]LPRRow, error) {
	rows, err := tx.Query(ctx, selectLPR, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []LPRRow
	for rows.Next() {
		r := LPRRow{Origin: OriginInstitution, Certainty: "verified"}
		var at int64
		if err := rows.Scan(&r.On, &r.Version, &r.OneYear, &r.FiveYears, &r.Source, &r.ApprovedBy, &at); err != nil {
			return nil, err
		}
		when := db.Time(at)
		r.At, r.Irregular = &when, irregular(r.Publication)
		out = append(out, r)
	}
	return out, rows.Err()
}

// LPR is the institution's table for the rules of base/benchmark.
func LPR(ctx context.Context, tx *db.Tx) (benchmark.Table, error) {
	rows, err := LPRRows(ctx, tx)
	if err != nil {
		return nil, err
	}
	all := make([]benchmark.Publication, len(rows))
	for i, r := range rows {
		all[i] = r.Publication
	}
	return benchmark.NewTable(all)
}

// BenchmarkAt is the rate in force on a date by the institution's own table.
func BenchmarkAt(ctx context.Context, tx *db.Tx, name string, day calendar.Date) (Benchmark, error) {
	rows, err := LPRRows(ctx, tx)
	if err != nil {
		return Benchmark{}, err
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].On.After(day) {
			continue
		}
		if r, ok := rows[i].Of(benchmark.Tenor(name)); ok {
			return Benchmark{Name: name, Rate: r, PublishedOn: rows[i].On, Certainty: rows[i].Certainty}, nil
		}
		break
	}
	return Benchmark{}, fault.New(ReasonNoBenchmark, "benchmark", name, "date", day)
}

// LPRTable is the table as the console shows it.
type LPRTable struct {
	Items   []LPRRow        `json:"items" nullable:"false" doc:"newest first"`
	Missing []calendar.Date `json:"missing" nullable:"false" doc:"publications up to the business date that the table lacks"`
	NextOn  calendar.Date   `json:"next_on" doc:"when the next publication is due"`
}

// LPRTable reads the table.
func (s *Service) LPRTable(ctx context.Context, p auth.Principal) (out LPRTable, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		rows, err := LPRRows(ctx, tx)
		if err != nil {
			return err
		}
		table, err := LPR(ctx, tx)
		if err != nil {
			return err
		}
		out.Missing = benchmark.Missing(table, today)
		out.NextOn = benchmark.PublishedIn(today)
		if !out.NextOn.After(today) {
			out.NextOn = benchmark.PublishedIn(calendar.Of(today.Year(), today.Month()+1, 1))
		}
		for i := len(rows) - 1; i >= 0; i-- {
			out.Items = append(out.Items, rows[i])
		}
		return nil
	})
	return out, err
}

// LPRChange is the body of a proposal.
type LPRChange struct {
	Publications []benchmark.Publication `json:"publications"`
	Source       string                  `json:"source"`
}

const (
	lprRowsMax   = 400
	lprSourceMax = 300
)

// ProposeLPR proposes publications, new ones or corrections. A second person decides.
func (s *Service) ProposeLPR(ctx context.Context, p auth.Principal, c LPRChange) (proposalID string, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err := s.proposals.Propose(ctx, tx, p, KindLPR, c, c.Source)
		proposalID = made.ID
		return err
	})
	return proposalID, err
}

// UseProposals registers the change of the table.
func (s *Service) UseProposals(p *proposal.Service) {
	s.proposals = p
	p.Register(proposal.Kind{Name: KindLPR, Zh: "维护贷款市场报价利率", En: "Change the loan prime rates", Propose: permissionLPR, Review: permissionLPRReview, Describe: describeLPR, Apply: applyLPR})
}

func readLPRChange(ctx context.Context, tx *db.Tx, body json.RawMessage) (LPRChange, []LPRRow, error) {
	var c LPRChange
	if err := proposal.Decode(body, &c); err != nil {
		return c, nil, err
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(c.Source)); n == 0 || n > lprSourceMax {
		return c, nil, fault.Field("source", "须写明出处，不超过300字", "must name the source, in at most 300 characters")
	}
	if len(c.Publications) == 0 || len(c.Publications) > lprRowsMax {
		return c, nil, fault.Field("publications", "须有1至400行", "must be 1 to 400")
	}
	table, err := benchmark.NewTable(c.Publications)
	if err != nil {
		return c, nil, fault.New(ReasonLPRTable, "problem", err.Error()).WithField("publications").Wrap(err)
	}
	// Days of the clock, not of the business date: a table may be ahead of an institution that is behind.
	if last := table[len(table)-1].On; last.After(calendar.FromTime(tx.Now, time.UTC).AddDays(1)) {
		return c, nil, fault.New(ReasonLPRTable, "problem", last.String()+" is in the future", "problem_zh", last.String()+" 是未来的日期").WithField("publications")
	}
	before, err := LPRRows(ctx, tx)
	return c, before, err
}

func describeLPR(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (proposal.Description, error) {
	c, known, err := readLPRChange(ctx, tx, body)
	if err != nil {
		return proposal.Description{}, err
	}
	before, after := map[string]any{}, map[string]any{"source": c.Source}
	for _, p := range c.Publications {
		after[p.On.String()] = shownLPR(p)
		for _, k := range known {
			if k.On == p.On {
				before[p.On.String()] = shownLPR(k.Publication)
			}
		}
	}
	return proposal.Description{Object: "benchmark", ObjectID: "lpr", Before: before, After: after}, nil
}

// shownLPR is a publication as a reviewer compares it.
func shownLPR(p benchmark.Publication) map[string]any {
	out := map[string]any{"lpr_1y": p.OneYear.Percent(), "lpr_5y": p.FiveYears.Percent()}
	if irregular(p) {
		out["irregular"] = "expected " + benchmark.PublishedIn(p.On).String()
	}
	return out
}

func applyLPR(ctx context.Context, tx *db.Tx, p auth.Principal, d proposal.Description, body json.RawMessage) error {
	c, _, err := readLPRChange(ctx, tx, body)
	if err != nil {
		return err
	}
	for _, x := range c.Publications {
		if _, err := tx.Exec(ctx, insertLPR, tx.Institution, x.On.String(), int64(x.OneYear), int64(x.FiveYears), c.Source, d.MadeBy, p.UserID, db.Micros(tx.Now)); err != nil {
			return err
		}
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "benchmark.published", Object: "benchmark", ObjectID: "lpr", After: c, Note: c.Source}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "benchmark.published", Aggregate: "benchmark", AggregateID: "lpr", Payload: c})
}

// ParseLPR reads lines "date,one year,over five years" in per cent; a header
// line is skipped. It names every bad line.
func ParseLPR(text string) ([]benchmark.Publication, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	var out []benchmark.Publication
	var errs []error
	for n := 0; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			errs = append(errs, lprFault(broken.Line, "", "the quotes do not match", "引号不成对"))
			continue
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if n == 0 && !strings.ContainsAny(cells[0], "0123456789") {
			continue
		}
		if n > lprRowsMax {
			return nil, fault.Field("csv", "不得超过400行", "must have at most 400 lines")
		}
		p, bad := parseLPRLine(cells)
		if bad != nil {
			errs = append(errs, lprFault(line, bad[0], bad[1], bad[2]))
			continue
		}
		out = append(out, p)
	}
	if len(errs) == 0 && len(out) == 0 {
		return nil, fault.Required("csv")
	}
	return out, fault.Join(errs...)
}

func lprFault(line int, value, en, zh string) error {
	return fault.New(ReasonLPRRow, "value", value, "problem", en, "problem_zh", zh).WithField("csv").WithRow(line)
}

// plainDate turns 2026/3/2 into 2026-03-02; other texts stay as they are.
func plainDate(s string) string {
	parts := strings.Split(strings.ReplaceAll(strings.TrimSpace(s), "/", "-"), "-")
	for i, part := range parts {
		if len(part) == 1 {
			parts[i] = "0" + part
		}
	}
	return strings.Join(parts, "-")
}

// parseLPRLine reads one line; bad names the value and the problem in English and Chinese.
func parseLPRLine(cells []string) (p benchmark.Publication, bad []string) {
	if len(cells) < 3 {
		return p, []string{strings.Join(cells, ","), "three columns are needed", "须有三列"}
	}
	on, err := calendar.Parse(plainDate(cells[0]))
	if err != nil {
		return p, []string{cells[0], "is not a date of the form YYYY-MM-DD", "不是 YYYY-MM-DD 形式的日期"}
	}
	p.On = on
	for i, to := range []*rate.Rate{&p.OneYear, &p.FiveYears} {
		text := strings.TrimSuffix(strings.TrimSpace(cells[i+1]), "%")
		v, err := rate.Parse(text + "%")
		if err != nil || v <= 0 || v > rate.Scale/4 {
			return p, []string{cells[i+1], "is not a rate in per cent between 0 and 25", "不是 0 至 25 之间的百分数"}
		}
		*to = v
	}
	return p, nil
}
