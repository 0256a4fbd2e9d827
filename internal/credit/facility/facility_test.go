package facility_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var why = fault.Text{Zh: "测试", En: "test"}

func draft(contract string) facility.Draft {
	return facility.Draft{
		FirmID: "firm_1", ApplicationID: "app_1", ContractID: contract, ProductID: "invoice-credit", ProductVersion: 1,
		BranchID: "br_east", BranchPath: "/hq/east/", LimitMinor: 1_000_000, Currency: "CNY", Rate: rate.FromBP(435),
		Revolving: true, ExpiresOn: calendar.Of(2026, 12, 31),
	}
}

func open(t *testing.T, d *db.DB, s dbtest.Staff, dr facility.Draft) facility.Facility {
	t.Helper()
	var f facility.Facility
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = facility.Open(t.Context(), tx, dr)
		return err
	}))
	return f
}

func byID(t *testing.T, d *db.DB, s dbtest.Staff, id string) facility.Facility {
	t.Helper()
	var f facility.Facility
	require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = facility.ByID(t.Context(), tx, id)
		if err != nil {
			return err
		}
		_, drift, err := facility.Verify(t.Context(), tx)
		require.Empty(t, drift)
		return err
	}))
	return f
}

func update(d *db.DB, s dbtest.Staff, fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := context.Background()
	return d.Update(ctx, s.System.Scope(), func(tx *db.Tx) error { return fn(ctx, tx) })
}

func TestConcurrentDrawsNeverPassTheLimit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		f := open(t, d, s, draft("con_1"))
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				err := update(d, s, func(ctx context.Context, tx *db.Tx) error {
					return facility.Reserve(ctx, tx, f.ID, 70_000, fmt.Sprintf("draw_%d", i))
				})
				switch {
				case err == nil:
					won.Add(1)
				case fault.Is(err, facility.ReasonLimitExceeded):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 14, won.Load())
		require.EqualValues(t, 26, lost.Load())
		after := byID(t, d, s, f.ID)
		require.EqualValues(t, 980_000, after.UtilisedMinor)
		require.EqualValues(t, 20_000, after.AvailableMinor)
	})
}

func TestOneKeyReservesOnceEvenWhenClickedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		f := open(t, d, s, draft("con_1"))
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 300_000, "draw_1") }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 300_000, byID(t, d, s, f.ID).UtilisedMinor)
		err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 1, "draw_1") })
		require.True(t, fault.Is(err, facility.ReasonKeyReused), err)
	})
}

func TestRefusalsSayWhyAndLeaveNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		f := open(t, d, s, draft("con_1"))
		late := draft("con_2")
		late.StartsOn, late.ExpiresOn = calendar.Of(2025, 1, 1), calendar.Of(2026, 1, 4)
		expired := open(t, d, s, late)
		require.True(t, expired.Expired)

		// The transaction commits although the reserve failed: nothing of it may remain.
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error {
			err := facility.Reserve(ctx, tx, f.ID, 1_000_001, "big")
			require.True(t, fault.Is(err, facility.ReasonLimitExceeded), err)
			fe, _ := fault.As(err)
			require.Equal(t, "10000.00", fe.Meta["available"])
			require.Contains(t, fe.Text("zh"), "可用 10000.00")
			require.True(t, fault.Is(facility.Reserve(ctx, tx, expired.ID, 1, "late"), facility.ReasonExpired))
			require.True(t, fault.Is(facility.Release(ctx, tx, f.ID, 1, "rel"), facility.ReasonOverRelease))
			require.True(t, fault.Is(facility.Reserve(ctx, tx, "fac_none", 1, "x"), fault.ReasonNotFound))
			require.True(t, fault.Is(facility.Reserve(ctx, tx, f.ID, 0, "x"), fault.ReasonInvalid))
			require.True(t, fault.Is(facility.Reserve(ctx, tx, f.ID, 1, ""), fault.ReasonInvalid))
			return nil
		}))
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 400_000, "big") }))
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Freeze(ctx, tx, f.ID, why) }))
		err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 1, "frozen") })
		require.True(t, fault.Is(err, facility.ReasonFrozen), err)
		require.Contains(t, err.Error(), "test")
		require.EqualValues(t, 400_000, byID(t, d, s, f.ID).UtilisedMinor, "room was left, and yet nothing moved")
		err = update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Close(ctx, tx, f.ID, why) })
		require.True(t, fault.Is(err, facility.ReasonInUse), err)
	})
}

func TestReleaseGivesRoomBackOnlyWhenRevolving(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		once := draft("con_2")
		once.Revolving = false
		a, b := open(t, d, s, draft("con_1")), open(t, d, s, once)
		for _, f := range []facility.Facility{a, b} {
			require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error {
				return fault.Join(
					facility.Reserve(ctx, tx, f.ID, 400_000, "d1"), facility.Reserve(ctx, tx, f.ID, 100_000, "d2"),
					facility.Release(ctx, tx, f.ID, 150_000, "r1"), facility.Release(ctx, tx, f.ID, 150_000, "r1"),
					facility.ReleaseFailed(ctx, tx, f.ID, 100_000, "d2"))
			}))
		}
		a, b = byID(t, d, s, a.ID), byID(t, d, s, b.ID)
		require.EqualValues(t, 250_000, a.UtilisedMinor)
		require.EqualValues(t, 750_000, a.AvailableMinor)
		require.EqualValues(t, 250_000, b.UtilisedMinor)
		require.EqualValues(t, 850_000, b.LimitMinor)
		require.EqualValues(t, 600_000, b.AvailableMinor)
	})
}

func TestLimitBelowTheBalanceStopsDrawsAndTakesNothingBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		f := open(t, d, s, draft("con_1"))
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error {
			return fault.Join(facility.Reserve(ctx, tx, f.ID, 600_000, "d1"), facility.SetLimit(ctx, tx, f.ID, 500_000, why))
		}))
		f = byID(t, d, s, f.ID)
		require.EqualValues(t, 600_000, f.UtilisedMinor)
		require.Zero(t, f.AvailableMinor)
		err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 1, "d2") })
		require.True(t, fault.Is(err, facility.ReasonLimitExceeded), err)
	})
}

func TestOpeningAContractTwiceGivesOneFacility(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		require.Equal(t, open(t, d, s, draft("con_1")).ID, open(t, d, s, draft("con_1")).ID)
		bad := draft("con_2")
		bad.LimitMinor, bad.FirmID = 0, ""
		err := update(d, s, func(ctx context.Context, tx *db.Tx) error { _, err := facility.Open(ctx, tx, bad); return err })
		require.True(t, fault.Is(err, fault.ReasonRequired) && fault.Is(err, fault.ReasonInvalid), err)
	})
}

// Whatever the order of draws, repayments, repeats and limit changes, the balance equals the sum of
// its movements and no accepted draw ends above the limit of that moment.
func TestAnySequenceKeepsTheBalance(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		f := open(t, d, s, draft(fmt.Sprintf("con_p%d", n)))
		used, limit := int64(0), f.LimitMinor
		seen := map[string]int64{}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			amount := rapid.Int64Range(1, 700_000).Draw(r, "amount")
			key := fmt.Sprint("k", rapid.IntRange(0, 5).Draw(r, "key"))
			switch rapid.IntRange(0, 2).Draw(r, "act") {
			case 0:
				err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, amount, key) })
				old, repeat := seen["r"+key]
				switch {
				case repeat:
					require.Equal(r, old != amount, fault.Is(err, facility.ReasonKeyReused))
				case used+amount <= limit:
					require.NoError(r, err)
					used += amount
					seen["r"+key] = amount
				default:
					require.True(r, fault.Is(err, facility.ReasonLimitExceeded))
				}
			case 1:
				err := update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Release(ctx, tx, f.ID, amount, key) })
				if _, repeat := seen["l"+key]; !repeat && amount <= used {
					require.NoError(r, err)
					used -= amount
					seen["l"+key] = amount
				}
			case 2:
				require.NoError(r, update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.SetLimit(ctx, tx, f.ID, amount, why) }))
				limit = amount
			}
		}
		got := byID(t, d, s, f.ID)
		require.Equal(r, used, got.UtilisedMinor)
		require.Equal(r, max(0, limit-used), got.AvailableMinor)
	})
}

func TestStatementsPrepareOnBothEngines(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		require.NoError(t, d.View(t.Context(), db.System("test"), func(tx *db.Tx) error {
			for _, q := range db.Declared() {
				st, err := tx.Prepare(t.Context(), q)
				require.NoError(t, err, q.Where())
				require.NoError(t, st.Close())
			}
			return nil
		}))
	})
}

// What a firm owes under an expired limit, or one lowered below the balance, counts against what it may still get:
// the cap per firm is a cap on the firm, not on its newest contract.
func TestExposureCountsWhatIsOwedUnderAnExpiredLimit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		f := open(t, d, s, draft("con_1"))
		exposure := func() (limit, used int64) {
			require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) (err error) {
				limit, used, err = facility.Exposure(ctx, tx, f.FirmID, money.CNY)
				return err
			}))
			return limit, used
		}
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error { return facility.Reserve(ctx, tx, f.ID, 70_000, "draw") }))
		limit, used := exposure()
		require.Equal(t, []int64{f.LimitMinor, 70_000}, []int64{limit, used})
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error {
			return facility.SetLimit(ctx, tx, f.ID, 50_000, fault.Text{Zh: "调低", En: "lowered"})
		}))
		limit, used = exposure()
		require.Equal(t, []int64{70_000, 70_000}, []int64{limit, used})
		require.NoError(t, update(d, s, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, rollOn, tx.Institution, f.ExpiresOn.AddDays(1))
			return err
		}))
		limit, used = exposure()
		require.Equal(t, []int64{70_000, 70_000}, []int64{limit, used})
	})
}

var rollOn = db.Q(`update institution set business_date = $2 where institution_id = $1`)
