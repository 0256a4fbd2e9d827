package reliability_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// pair is two facilities of one firm, and two transactions that try to meet in the middle.
type pair struct {
	*house
	t    *testing.T
	a, b string
}

var change = fault.Text{Zh: "调整", En: "change"}

// meeting lets one transaction wait for what another does, but not for ever: on SQLite, and where a lock holds
// it, the other comes only after the first has ended.
type meeting chan struct{}

func (m meeting) here() {
	select {
	case m <- struct{}{}:
	default:
	}
}

func (m meeting) wait() {
	select {
	case <-m:
	case <-time.After(80 * time.Millisecond):
	}
}

func (p *pair) limit(tx *db.Tx, id string) int64 {
	f, err := facility.ByID(p.t.Context(), tx, id)
	if err != nil {
		p.t.Error(err)
	}
	return f.LimitMinor
}

func (p *pair) set(tx *db.Tx, id string, minor int64) error {
	return facility.SetLimit(p.t.Context(), tx, id, minor, change)
}

func (p *pair) update(fn func(tx *db.Tx) error) error {
	return p.DB.Update(p.t.Context(), p.Staff.System.Scope(), fn)
}

func (p *pair) view(fn func(tx *db.Tx) error) error {
	return p.DB.View(p.t.Context(), p.Staff.System.Scope(), fn)
}

// now reads both limits.
func (p *pair) now() (a, b int64) {
	require.NoError(p.t, p.view(func(tx *db.Tx) error {
		a, b = p.limit(tx, p.a), p.limit(tx, p.b)
		return nil
	}))
	return a, b
}

// both runs two acts at once.
func both(first, second func() error) (err1, err2 error) {
	var all sync.WaitGroup
	all.Go(func() { err1 = first() })
	all.Go(func() { err2 = second() })
	all.Wait()
	return err1, err2
}

var errUndo = errors.New("undo")

// Bar 8: the ten anomalies of the Hermitage suite, tried through our repositories and transactions. Each needs two
// transactions in one another's way; where the engine lets only one in, they come one after the other.
func TestTheTenAnomaliesDoNotHappen(t *testing.T) {
	t.Parallel()
	heavy(t)
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, open)
			for n, c := range anomalies {
				t.Run(c.name, func(t *testing.T) {
					p := &pair{house: h, t: t}
					for i, id := range []*string{&p.a, &p.b} {
						f, err := h.OpenFacility(t.Context(), fmt.Sprint("firm_", n), int64(1000*(i+1)))
						require.NoError(t, err)
						*id = f.ID
					}
					c.try(p)
				})
			}
		})
	}
}

var anomalies = []struct {
	name string
	try  func(p *pair)
}{
	{"G0 dirty write", func(p *pair) {
		m1, m2 := make(meeting, 1), make(meeting, 1)
		writer := func(v int64, mine, other meeting) func() error {
			return func() error {
				return p.update(func(tx *db.Tx) error {
					if err := p.set(tx, p.a, v); err != nil {
						return err
					}
					mine.here()
					other.wait()
					return p.set(tx, p.b, v)
				})
			}
		}
		err1, err2 := both(writer(11, m1, m2), writer(12, m2, m1))
		require.NoError(p.t, errors.Join(err1, err2))
		a, b := p.now()
		require.Equal(p.t, a, b, "both limits come from one transaction")
	}},
	{"G1a aborted read", func(p *pair) {
		written, read := make(meeting, 1), make(meeting, 1)
		var seen int64
		err1, err2 := both(func() error {
			return p.update(func(tx *db.Tx) error {
				err := p.set(tx, p.a, 77)
				written.here()
				read.wait()
				return errors.Join(err, errUndo)
			})
		}, func() error {
			written.wait()
			return p.view(func(tx *db.Tx) error { seen = p.limit(tx, p.a); read.here(); return nil })
		})
		require.ErrorIs(p.t, err1, errUndo)
		require.NoError(p.t, err2)
		require.EqualValues(p.t, 1000, seen)
	}},
	{"G1b intermediate read", func(p *pair) {
		half, read := make(meeting, 1), make(meeting, 1)
		var seen int64
		err1, err2 := both(func() error {
			return p.update(func(tx *db.Tx) error {
				err := p.set(tx, p.a, 101)
				half.here()
				read.wait()
				return errors.Join(err, p.set(tx, p.a, 11))
			})
		}, func() error {
			half.wait()
			return p.view(func(tx *db.Tx) error { seen = p.limit(tx, p.a); read.here(); return nil })
		})
		require.NoError(p.t, errors.Join(err1, err2))
		require.NotEqualValues(p.t, 101, seen)
	}},
	{"G1c circular information flow", func(p *pair) {
		m1, m2 := make(meeting, 1), make(meeting, 1)
		var saw1, saw2 int64
		one := func(mine, other meeting, write, read string, v int64, saw *int64) func() error {
			return func() error {
				return p.update(func(tx *db.Tx) error {
					if err := p.set(tx, write, v); err != nil {
						return err
					}
					mine.here()
					other.wait()
					*saw = p.limit(tx, read)
					return nil
				})
			}
		}
		err1, err2 := both(one(m1, m2, p.a, p.b, 11, &saw1), one(m2, m1, p.b, p.a, 22, &saw2))
		require.NoError(p.t, errors.Join(err1, err2))
		require.False(p.t, saw1 == 22 && saw2 == 11, "each saw what the other had not committed")
	}},
	{"OTV observed transaction vanishes", func(p *pair) {
		first, second := make(meeting, 1), make(meeting, 1)
		var a, b int64
		err1, err2 := both(func() error {
			err := p.update(func(tx *db.Tx) error { return errors.Join(p.set(tx, p.a, 11), p.set(tx, p.b, 19)) })
			first.here()
			return errors.Join(err, p.update(func(tx *db.Tx) error {
				err := p.set(tx, p.a, 12)
				second.wait()
				return errors.Join(err, p.set(tx, p.b, 18))
			}))
		}, func() error {
			first.wait()
			return p.view(func(tx *db.Tx) error {
				a = p.limit(tx, p.a)
				second.here()
				time.Sleep(20 * time.Millisecond)
				b = p.limit(tx, p.b)
				return nil
			})
		})
		require.NoError(p.t, errors.Join(err1, err2))
		require.Contains(p.t, [][2]int64{{1000, 2000}, {11, 19}, {12, 18}}, [2]int64{a, b}, "one reader sees one state")
	}},
	{"PMP predicate-many-preceders", func(p *pair) {
		counted, inserted := make(meeting, 1), make(meeting, 1)
		var before, after int
		firm := "firm_" + p.a
		err1, err2 := both(func() error {
			return p.view(func(tx *db.Tx) error {
				all, err := facility.ByFirm(p.t.Context(), tx, firm)
				before = len(all)
				counted.here()
				inserted.wait()
				again, err2 := facility.ByFirm(p.t.Context(), tx, firm)
				after = len(again)
				return errors.Join(err, err2)
			})
		}, func() error {
			counted.wait()
			_, err := p.OpenFacility(p.t.Context(), firm, 5000)
			inserted.here()
			return err
		})
		require.NoError(p.t, errors.Join(err1, err2))
		require.Equal(p.t, before, after)
	}},
	{"P4 lost update", func(p *pair) {
		add := func(key string) func() error {
			return func() error {
				return p.update(func(tx *db.Tx) error { return facility.Reserve(p.t.Context(), tx, p.a, 100, key) })
			}
		}
		err1, err2 := both(add("one"), add("two"))
		require.NoError(p.t, errors.Join(err1, err2))
		require.NoError(p.t, p.view(func(tx *db.Tx) error {
			f, err := facility.ByID(p.t.Context(), tx, p.a)
			require.EqualValues(p.t, 200, f.UtilisedMinor)
			return err
		}))
		// And with what a person read and edits: the second is told.
		app := p.application(p.t, application.Draft)
		edit := func(minor int64) func() error {
			return func() error {
				_, err := p.apps.Edit(p.t.Context(), p.Staff.Manager, app.ID, app.Version, application.Input{AmountMinor: minor, Currency: "CNY", TenorMonths: 12,
					Method: "interest_only", Purpose: "stock"})
				return err
			}
		}
		err1, err2 = both(edit(20_000_000), edit(30_000_000))
		require.True(p.t, (err1 == nil) != (err2 == nil), "%v, %v", err1, err2)
		require.True(p.t, fault.Is(errors.Join(err1, err2), fault.ReasonStale))
	}},
	{"G-single read skew", func(p *pair) {
		read, moved := make(meeting, 1), make(meeting, 1)
		var sum int64
		err1, err2 := both(func() error {
			return p.view(func(tx *db.Tx) error {
				sum = p.limit(tx, p.a)
				read.here()
				moved.wait()
				sum += p.limit(tx, p.b)
				return nil
			})
		}, func() error {
			read.wait()
			err := p.update(func(tx *db.Tx) error { return errors.Join(p.set(tx, p.a, 500), p.set(tx, p.b, 2500)) })
			moved.here()
			return err
		})
		require.NoError(p.t, errors.Join(err1, err2))
		require.EqualValues(p.t, 3000, sum, "what moved from one to the other is counted once")
	}},
	{"G2-item write skew", func(p *pair) {
		m1, m2 := make(meeting, 1), make(meeting, 1)
		// A rule across two rows: together they may have 900 in use. Serializable is for such rules.
		one := func(mine, other meeting, id string) func() error {
			return func() error {
				return p.DB.UpdateWith(p.t.Context(), p.Staff.System.Scope(), db.Serializable, func(tx *db.Tx) error {
					fa, err := facility.ByID(p.t.Context(), tx, p.a)
					fb, err2 := facility.ByID(p.t.Context(), tx, p.b)
					if err := errors.Join(err, err2); err != nil {
						return err
					}
					mine.here()
					other.wait()
					if fa.UtilisedMinor+fb.UtilisedMinor+600 > 900 {
						return nil
					}
					return facility.Reserve(p.t.Context(), tx, id, 600, "skew")
				})
			}
		}
		err1, err2 := both(one(m1, m2, p.a), one(m2, m1, p.b))
		require.NoError(p.t, errors.Join(err1, err2))
		require.NoError(p.t, p.view(func(tx *db.Tx) error {
			fa, err := facility.ByID(p.t.Context(), tx, p.a)
			fb, err2 := facility.ByID(p.t.Context(), tx, p.b)
			require.EqualValues(p.t, 600, fa.UtilisedMinor+fb.UtilisedMinor)
			return errors.Join(err, err2)
		}))
	}},
	{"G2 write skew on a predicate", func(p *pair) {
		f := p.newFirm(p.t, "G2"+p.a[len(p.a)-8:])
		creditkit.Consent(p.t, p.DB, p.Staff.System.Scope(), f.ID)
		apply := func() error {
			_, err := p.apps.Create(p.t.Context(), p.Staff.Manager, application.Input{FirmID: f.ID, ProductID: "invoice-credit", AmountMinor: 10_000_000, Currency: "CNY",
				TenorMonths: 12, Method: "interest_only", Purpose: "stock"})
			return err
		}
		err1, err2 := both(apply, apply)
		require.True(p.t, (err1 == nil) != (err2 == nil), "%v, %v", err1, err2)
		require.True(p.t, fault.Is(errors.Join(err1, err2), application.ReasonDuplicate))
	}},
}
