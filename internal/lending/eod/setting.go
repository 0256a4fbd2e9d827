package eod

import (
	"context"
	"regexp"
	"time"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Settings are an institution's choices for its end of day.
type Settings struct {
	Steps Plan `json:"steps" doc:"the steps in their order; optional ones may be left out"`
	// RunAt is a time of day in the institution's zone (HH:MM); empty: nothing starts by itself.
	RunAt     string    `json:"run_at" doc:"time of day of the institution, HH:MM, at which the day ends by itself; empty: never"`
	Helpers   int       `json:"helpers" doc:"jobs that other servers may take to help with large portfolios"`
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// StepInfo describes a step that a plan may hold.
type StepInfo struct {
	Name      Step       `json:"name"`
	Text      fault.Text `json:"text"`
	Mandatory bool       `json:"mandatory"`
}

const helpersMax = 16

// PermissionConfigure lets a role order the steps.
var PermissionConfigure = auth.DeclarePermission("eod.configure", "配置日终", "Configure the end of day", auth.RoleAdmin)

var (
	selectSetting = db.Q(`select plan, run_at, helpers, version, updated_at from eod_setting where institution_id = $1`)
	insertSetting = db.Q(`insert into eod_setting (institution_id, plan, run_at, helpers, version, updated_at) values ($1,$2,$3,$4,1,$5) on conflict do nothing`)
	updateSetting = db.Q(`update eod_setting set plan = $2, run_at = $3, helpers = $4, version = version + 1, updated_at = $5 where institution_id = $1 and version = $6`)
	timeOfDay     = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
)

func (s *Service) settings(ctx context.Context, tx *db.Tx) (out Settings, err error) {
	var plan string
	var updated int64
	err = tx.QueryRow(ctx, selectSetting, tx.Institution).Scan(&plan, &out.RunAt, &out.Helpers, &out.Version, &updated)
	if db.IsNoRows(err) {
		return Settings{Steps: s.standard()}, nil
	}
	out.UpdatedAt = db.Time(updated)
	if out.Steps = parsePlan(plan); len(out.Steps) == 0 {
		out.Steps = s.standard()
	}
	return out, err
}

// Settings reads the institution's choices and the steps there are.
func (s *Service) Settings(ctx context.Context, p auth.Principal) (out Settings, known []StepInfo, err error) {
	if !p.Can(PermissionConfigure) && !p.Can(PermissionRun) && !p.Can(loan.PermissionRead) {
		return out, nil, fault.New(fault.ReasonForbidden, "permission", PermissionConfigure)
	}
	for _, w := range s.works {
		known = append(known, StepInfo{w.Name, w.Text, w.Mandatory})
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = s.settings(ctx, tx)
		return err
	})
	return out, known, err
}

// Configure stores the institution's choices; a run that has begun keeps its plan. It refuses unknown, repeated and missing
// mandatory steps (EOD_PLAN) and a version that is not the stored one.
func (s *Service) Configure(ctx context.Context, p auth.Principal, in Settings) (out Settings, err error) {
	if err := p.Require(PermissionConfigure); err != nil {
		return out, err
	}
	if err := s.check(in.Steps); err != nil {
		return out, err
	}
	if in.RunAt != "" && !timeOfDay.MatchString(in.RunAt) {
		return out, fault.Field("run_at", "须为 HH:MM 或为空", "must be HH:MM or empty")
	}
	if in.Helpers < 0 || in.Helpers > helpersMax {
		return out, fault.Field("helpers", "须在0至16之间", "must be 0 to 16")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before, err := s.settings(ctx, tx)
		if err != nil {
			return err
		}
		var stored bool
		if before.Version == 0 && in.Version == 0 {
			stored, err = tx.ExecOne(ctx, insertSetting, tx.Institution, in.Steps.text(), in.RunAt, in.Helpers, db.Micros(tx.Now))
		} else {
			stored, err = tx.ExecOne(ctx, updateSetting, tx.Institution, in.Steps.text(), in.RunAt, in.Helpers, db.Micros(tx.Now), in.Version)
		}
		if err != nil {
			return err
		}
		if !stored {
			return fault.New(fault.ReasonStale, "version", before.Version)
		}
		if out, err = s.settings(ctx, tx); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "eod.configure", Object: "institution", ObjectID: tx.Institution, Before: before, After: out}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "eod.configured", Aggregate: "institution", AggregateID: tx.Institution, Payload: out})
	})
	return out, err
}
