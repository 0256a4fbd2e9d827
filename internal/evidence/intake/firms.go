package intake

import (
	"context"
	"io"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// firmRowsMax bounds a firm list: it is applied in one transaction.
const firmRowsMax = 200_000

// readFirms reads a firm list; rows whose content is wrong are reported like unreadable ones.
func (x *importRun) readFirms(ctx context.Context, file io.Reader) error {
	o := x.options(ctx)
	o.MaxRows = firmRowsMax
	refused := int64(0)
	rep, err := source.DecodeFirms(ctx, file, o, func(row source.FirmRow) error {
		x.seen++
		err := draftOf(row, x.batch.Options).Validate()
		if id, known := x.firms[row.Code]; known && id == "" {
			err = fault.Field("code", "该代号属于其他网点的企业", "belongs to a firm of another branch")
		}
		if err != nil {
			refused++
			for _, f := range fault.All(err) {
				e := rowError(row.Line, f.Field, row.Code, ReasonFirmRow)
				e.Message = fault.Text{Zh: f.Text("zh"), En: f.Text("en")}
				if err := x.reject(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}
		x.listed = append(x.listed, row)
		return nil
	})
	kept := x.report.BadKept
	x.report = Report{Report: rep.Report, Labelled: rep.Labelled, Defaulted: rep.Defaulted, BadKept: kept}
	x.report.ErrorCount += refused
	x.report.Accepted -= refused
	x.report.Rejected += refused
	if refused > 0 {
		x.report.ErrorsByCode[ReasonFirmRow.Code] += refused
	}
	if err != nil {
		return err
	}
	return x.flushBad(ctx)
}

func draftOf(row source.FirmRow, o Options) party.Draft {
	d := party.Draft{
		Code: row.Code, Name: row.Name, USCC: row.USCC, Industry: row.Industry, Region: row.Region, Employees: row.Employees,
		BranchID: o.BranchID, BranchPath: o.BranchPath, ManagerID: o.ManagerID, Demo: o.Demo,
	}
	if row.Labelled {
		d.DefaultLabel, d.LabelSource = party.LabelGood, "import"
		if row.Defaulted {
			d.DefaultLabel = party.LabelBad
		}
	}
	return d
}

// applyFirms creates the firms that are new and fills what the list knows better about the others; a
// list that says nothing new changes nothing. It returns how many firms were created or changed.
func (x *importRun) applyFirms(ctx context.Context, tx *db.Tx) (int64, error) {
	x.report.FirmsCreated, x.report.FirmsUpdated = 0, 0
	for _, row := range x.listed {
		d := draftOf(row, x.batch.Options)
		if _, known := x.firms[row.Code]; !known {
			if _, err := x.s.firms.CreateTx(ctx, tx, d); err != nil {
				return 0, err
			}
			x.report.FirmsCreated++
			continue
		}
		old, err := party.ByCode(ctx, tx, row.Code)
		if err != nil {
			return 0, err
		}
		next, changed := merge(old, d)
		if !changed {
			continue
		}
		if _, err := x.s.firms.UpdateTx(ctx, tx, old.ID, old.Version, next); err != nil {
			return 0, err
		}
		x.report.FirmsUpdated++
	}
	return x.report.FirmsCreated + x.report.FirmsUpdated, nil
}

// merge lays what the list says over what is known; empty cells say nothing, and branch and manager
// stay as they are.
func merge(old party.Firm, d party.Draft) (party.Draft, bool) {
	out := party.Draft{
		Name: old.Name, USCC: old.USCC, USCCEvidence: old.USCCEvidence, CustomerType: old.CustomerType, Industry: old.Industry, Region: old.Region,
		Employees: old.Employees, RevenueMinor: old.RevenueMinor, AssetsMinor: old.AssetsMinor, SizeSource: old.SizeSource, OwnerName: old.OwnerName, Address: old.Address,
		BranchID: old.BranchID, BranchPath: old.BranchPath, ManagerID: old.ManagerID, Demo: old.Demo,
		DefaultLabel: old.DefaultLabel, LabelOn: old.LabelOn, LabelSource: old.LabelSource,
	}
	changed := false
	lay := func(to *string, v string) {
		if v != "" && v != *to {
			*to, changed = v, true
		}
	}
	lay(&out.Name, d.Name)
	lay(&out.USCC, d.USCC)
	lay(&out.Industry, d.Industry)
	lay(&out.Region, d.Region)
	if d.Employees != 0 && d.Employees != out.Employees {
		out.Employees, changed = d.Employees, true
	}
	if d.DefaultLabel != "" && d.DefaultLabel != out.DefaultLabel {
		out.DefaultLabel, out.LabelOn, out.LabelSource, changed = d.DefaultLabel, d.LabelOn, d.LabelSource, true
	}
	return out, changed
}
