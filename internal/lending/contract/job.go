package contract

import (
	"context"

	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

// JobKind names the job that signs contracts.
const JobKind = "lending.contract"

// Enqueuer starts jobs; *job.Runner is one.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx *db.Tx, in job.Request) (job.Job, error)
}

type jobArgs struct {
	ApplicationID string `json:"application_id"`
}

// Kind is the job; register it with the runner. It may run again: an
// application has one contract.
func (s *Service) Kind() job.Kind {
	return job.Kind{Name: JobKind, Zh: "生成合同", En: "Sign a contract", Run: func(ctx context.Context, r *job.Run) error {
		var args jobArgs
		if err := r.Args(&args); err != nil {
			return err
		}
		c, err := s.Sign(ctx, r.Principal, args.ApplicationID)
		if err != nil {
			return err
		}
		return r.Result(ctx, map[string]any{"contract_id": c.ID, "number": c.Terms.Number, "facility_id": c.FacilityID})
	}}
}

// Consumer enqueues the job when an offer is accepted. Writing a document does
// not belong in the transaction of an event.
func Consumer(q Enqueuer) event.Consumer {
	return event.Consumer{Name: "lending.contract", Types: []string{"application.accepted"}, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		_, err := q.Enqueue(ctx, tx, job.Request{
			Kind: JobKind, Args: jobArgs{ApplicationID: e.AggregateID}, Object: "application", ObjectID: e.AggregateID,
			Principal: auth.SystemPrincipal(tx.Institution, "contract"), Key: JobKind + ":" + e.AggregateID,
		})
		return err
	}}
}

// DrawnConsumer marks an application drawn when the first loan under its
// contract has been paid out.
func DrawnConsumer() event.Consumer {
	return event.Consumer{Name: "lending.application_drawn", Types: []string{"loan.disbursed"}, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		var h loan.Happened
		if err := e.Decode(&h); err != nil {
			return err
		}
		f, err := facility.ByID(ctx, tx, h.FacilityID)
		if err != nil || f.ApplicationID == "" {
			return err
		}
		err = application.MarkDrawn(ctx, tx, f.ApplicationID, h.LoanID)
		if fault.Is(err, fault.ReasonNotFound) {
			return nil // a facility opened without an application
		}
		return err
	}}
}
