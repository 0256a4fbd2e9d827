package inbox_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func open(t *testing.T, d *db.DB, sc db.Scope, td inbox.TaskDraft) string {
	t.Helper()
	var id string
	if td.Kind == "" {
		td.Kind = "signal.review"
	}
	td.TitleZh, td.TitleEn = "复核预警", "Review the signal"
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) (err error) {
		id, err = inbox.OpenTask(t.Context(), tx, td)
		return err
	}))
	return id
}

func TestOneKeyOpensOnceForEver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, svc := dbtest.Institution(t, d), inbox.NewService(d, nil)
		td := inbox.TaskDraft{Role: auth.RoleRelationshipManager, BranchPath: "/hq/east/", Key: "signal:1"}
		id := open(t, d, s.System.Scope(), td)
		require.Equal(t, id, open(t, d, s.System.Scope(), td))
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return inbox.CloseTask(t.Context(), tx, "signal:1", "withdrawn")
		}))
		require.Equal(t, id, open(t, d, s.System.Scope(), td))
		got, err := svc.Task(t.Context(), s.Manager, id)
		require.NoError(t, err)
		require.Equal(t, inbox.Done, got.State)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return inbox.CloseTask(t.Context(), tx, "never opened", "x")
		}))
	})
}

func TestADraftWithoutAnOwnerNamesEveryBadField(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	err := d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		_, err := inbox.OpenTask(t.Context(), tx, inbox.TaskDraft{Kind: "x"})
		return err
	})
	require.Len(t, fault.All(err), 3)
}

func TestOfManyClaimsOneWins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, svc := dbtest.Institution(t, d), inbox.NewService(d, nil)
		for range 15 { // a race is not met at every try
			id := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleApprover})
			var won atomic.Int64
			var wg sync.WaitGroup
			start := make(chan struct{})
			for i := range 5 {
				wg.Go(func() {
					p := s.Approver
					p.UserID = fmt.Sprintf("usr_%d", i)
					<-start
					_, err := svc.Claim(context.Background(), p, id)
					switch {
					case err == nil:
						won.Add(1)
					case !fault.Is(err, inbox.ReasonTaken):
						t.Errorf("unexpected: %v", err)
					}
				})
			}
			close(start)
			wg.Wait()
			require.EqualValues(t, 1, won.Load())
		}
	})
}

func TestQueuesAreScopedByRoleAndSubtree(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, other, svc := dbtest.Institution(t, d), dbtest.Institution(t, d), inbox.NewService(d, nil)
		east := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleRelationshipManager, BranchPath: "/hq/east/"})
		west := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleRelationshipManager, BranchPath: "/hq/west/"})
		mine := open(t, d, s.System.Scope(), inbox.TaskDraft{AssigneeID: s.Manager.UserID})
		approval := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleApprover, BranchPath: "/hq/east/"})
		open(t, d, other.System.Scope(), inbox.TaskDraft{Role: auth.RoleRelationshipManager, BranchPath: "/hq/east/"})

		ids := func(p auth.Principal, view string) (out []string) {
			got, err := svc.Tasks(t.Context(), p, inbox.Filter{View: view})
			require.NoError(t, err)
			require.EqualValues(t, len(got.Items), got.Total)
			for _, x := range got.Items {
				out = append(out, x.ID)
			}
			return out
		}
		require.ElementsMatch(t, []string{east, mine}, ids(s.Manager, "all"))
		require.ElementsMatch(t, []string{mine}, ids(s.Manager, "mine"))
		require.ElementsMatch(t, []string{east}, ids(s.Manager, "queue"))
		require.ElementsMatch(t, []string{approval}, ids(s.Approver, "all"))
		require.ElementsMatch(t, []string{east, west, mine, approval}, ids(s.Operations, "branch"))
		_, err := svc.Tasks(t.Context(), s.Manager, inbox.Filter{View: "branch"})
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		for _, id := range []string{west, approval} {
			_, err = svc.Claim(t.Context(), s.Manager, id)
			require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)
		}
		_, err = svc.Task(t.Context(), other.Manager, east)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
	})
}

func TestTasksAreOrderedByDueTimeAndPaged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, svc := dbtest.Institution(t, d), inbox.NewService(d, nil)
		none := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleApprover})
		late := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleApprover, DueAt: d.Now().Add(-time.Hour)})
		soon := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleApprover, DueAt: d.Now().Add(time.Hour)})
		var seen []string
		cursor := ""
		for {
			got, err := svc.Tasks(t.Context(), s.Approver, inbox.Filter{Limit: 1, Cursor: cursor})
			require.NoError(t, err)
			require.EqualValues(t, 3, got.Total)
			require.EqualValues(t, 1, got.Overdue)
			require.Len(t, got.Items, 1)
			require.Equal(t, got.Items[0].ID == late, got.Items[0].Overdue)
			seen = append(seen, got.Items[0].ID)
			if cursor = got.NextCursor; cursor == "" {
				break
			}
		}
		require.Equal(t, []string{late, soon, none}, seen)
		got, err := svc.Tasks(t.Context(), s.Approver, inbox.Filter{Overdue: true})
		require.NoError(t, err)
		require.Len(t, got.Items, 1)
		_, err = svc.Tasks(t.Context(), s.Approver, inbox.Filter{Cursor: "rubbish"})
		require.Error(t, err)
	})
}

func TestATaskWalksThroughItsStates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := inbox.NewService(d, func(_ context.Context, _ *db.Tx, id string) (string, bool, error) {
			return "Ms Li", id == s.Risk.UserID, nil
		})
		id := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleOperations, BranchPath: "/hq/"})
		_, err := svc.Release(t.Context(), s.Operations, id)
		require.True(t, fault.Is(err, inbox.ReasonNotHeld), "%v", err)
		got, err := svc.Claim(t.Context(), s.Operations, id)
		require.NoError(t, err)
		require.Equal(t, inbox.Claimed, got.State)
		_, err = svc.Claim(t.Context(), s.Operations, id)
		require.NoError(t, err, "claiming twice is the same claim")
		got, err = svc.Release(t.Context(), s.Operations, id)
		require.NoError(t, err)
		require.Equal(t, inbox.Open, got.State)
		_, err = svc.Reassign(t.Context(), s.Operations, id, "usr_nobody")
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		got, err = svc.Reassign(t.Context(), s.Operations, id, s.Risk.UserID)
		require.NoError(t, err)
		require.Equal(t, "Ms Li", got.AssigneeName)
		n, err := svc.Notifications(t.Context(), s.Risk, true, "", 20)
		require.NoError(t, err)
		require.EqualValues(t, 1, n.Unread)
		_, err = svc.Complete(t.Context(), s.Operations, id, "ok", "")
		require.True(t, fault.Is(err, inbox.ReasonTaken), "%v", err)
		_, err = svc.Complete(t.Context(), s.Risk, id, "", "")
		require.True(t, fault.Is(err, fault.ReasonRequired))
		got, err = svc.Complete(t.Context(), s.Risk, id, "confirmed", "looked at it")
		require.NoError(t, err)
		require.Equal(t, inbox.Done, got.State)
		require.Equal(t, "confirmed", got.Outcome)
		_, err = svc.Complete(t.Context(), s.Risk, id, "again", "")
		require.True(t, fault.Is(err, inbox.ReasonDone))
	})
}

func TestNotificationsAreTheReadersOwn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, svc := dbtest.Institution(t, d), inbox.NewService(d, nil)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			for i := range 3 {
				if err := inbox.Notify(t.Context(), tx, s.Manager.UserID, fmt.Sprint("通知", i), fmt.Sprint("note ", i), "/x"); err != nil {
					return err
				}
			}
			return inbox.Notify(t.Context(), tx, s.Risk.UserID, "别人的", "another's", "/y")
		}))
		n, err := svc.Notifications(t.Context(), s.Manager, false, "", 2)
		require.NoError(t, err)
		require.EqualValues(t, 3, n.Total)
		require.Equal(t, "note 2", n.Items[0].En)
		next, err := svc.Notifications(t.Context(), s.Manager, false, n.Items[1].ID, 2)
		require.NoError(t, err)
		require.Len(t, next.Items, 1)
		require.NoError(t, svc.Read(t.Context(), s.Manager, n.Items[0].ID))
		require.NoError(t, svc.Read(t.Context(), s.Manager, n.Items[0].ID))
		require.True(t, fault.Is(svc.Read(t.Context(), s.Risk, n.Items[0].ID), fault.ReasonNotFound))
		marked, err := svc.ReadAll(t.Context(), s.Manager)
		require.NoError(t, err)
		require.EqualValues(t, 2, marked)
		n, err = svc.Notifications(t.Context(), s.Manager, true, "", 20)
		require.NoError(t, err)
		require.Zero(t, n.Unread)
		require.NoError(t, svc.Prune(t.Context(), d.Now().Add(time.Hour)))
		n, err = svc.Notifications(t.Context(), s.Manager, false, "", 20)
		require.NoError(t, err)
		require.Empty(t, n.Items)
	})
}
