package writer_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// another is a second server on the same books.
func (h house) another(t testing.TB) house {
	t.Helper()
	o := h
	o.w = writer.New(h.db, writer.Config{})
	o.svc = writer.NewService(h.db, o.w)
	t.Cleanup(func() { require.NoError(t, o.w.Stop(context.Background())) })
	return o
}

// Two servers take turns on the same wallets. Each remembers what it left, and neither is misled by it: not by a posting
// of the other, and not by a hold, which moves no entry of the chain.
func TestWhatAServerRemembersDoesNotMisleadIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		east := open(t, d, writer.Config{})
		west := east.another(t)
		require.NoError(t, east.post(t, payIn("in", "ann", 100)))
		for i := range 6 { // 100 - 60 goes over, whoever pays
			h := []house{east, west}[i%2]
			require.NoError(t, h.post(t, pay(fmt.Sprint("p", i), "ann", "bob", 10)))
		}
		require.Equal(t, int64(40), east.available(t, "ann").BalanceMinor)
		require.True(t, fault.Is(west.post(t, pay("p6", "ann", "bob", 41)), journal.ReasonFunds))

		// East remembers 40 free; West holds 30 of them.
		require.NoError(t, east.post(t, pay("p7", "ann", "bob", 1)))
		_, err := west.hold(t, "h1", "ann", 30)
		require.NoError(t, err)
		require.True(t, fault.Is(east.post(t, pay("p8", "ann", "bob", 10)), journal.ReasonFunds), "39 less 30 held")
		require.NoError(t, east.post(t, pay("p9", "ann", "bob", 9)))

		// East remembers 0 free; West gives the hold up.
		_, err = west.svc.Void(t.Context(), west.staff.Integrator, "h1")
		require.NoError(t, err)
		require.NoError(t, east.post(t, pay("p10", "ann", "bob", 30)), "the 30 are free again")
		require.Zero(t, east.available(t, "ann").AvailableMinor)
		require.Equal(t, int64(10), east.verify(t).Entries)
	})
}

var (
	forgeBalance  = db.Q(`update ledger_balance set credit_minor = credit_minor + 5 where institution_id = $1 and sub = 'ann'`)
	forgeTurnover = db.Q(`update ledger_turnover set debit_minor = debit_minor + 5 where institution_id = $1 and account_code = '2011' and length(period) = 7`)
	mendBalance   = db.Q(`update ledger_balance set credit_minor = credit_minor - 5 where institution_id = $1 and sub = 'ann'`)
)

// A balance that was changed by other means than a posting is refused even by a server that remembers the right one: it
// is not silently put right, for somebody must hear of it.
func TestAForgedBalanceIsHeardDespiteMemory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		change := func(q *db.Query) {
			require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
				changed, err := tx.ExecOne(t.Context(), q, tx.Institution)
				require.True(t, changed)
				return err
			}))
		}
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		require.NoError(t, h.post(t, payIn("in2", "ann", 100)))
		change(forgeBalance)
		require.True(t, fault.Is(h.post(t, pay("p1", "ann", "bob", 1)), journal.ReasonSeal))
		require.True(t, fault.Is(h.post(t, pay("p1", "ann", "bob", 1)), journal.ReasonSeal), "and again")
		change(mendBalance)
		require.NoError(t, h.post(t, pay("p1", "ann", "bob", 1)))
		require.NoError(t, h.post(t, pay("p2", "ann", "bob", 1)))
		require.Equal(t, int64(4), h.verify(t).Entries)
		change(forgeTurnover)
		require.True(t, fault.Is(h.post(t, pay("p3", "ann", "bob", 1)), journal.ReasonSeal))
	})
}

// turns counts how often the server was waited for: bytes from the client after bytes from the server.
type turns struct {
	n      atomic.Int64
	answer atomic.Bool
}

// between puts itself between the fixture and its server.
func (c *turns) between(t testing.TB) dbtest.Option {
	return func(cfg *db.Config) {
		u, err := url.Parse(cfg.PostgresDSN)
		require.NoError(t, err)
		server := u.Host
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		u.Host = l.Addr().String()
		cfg.PostgresDSN, cfg.MaxConns = u.String(), 1
		go func() {
			for {
				client, err := l.Accept()
				if err != nil {
					return
				}
				go c.carry(client, server)
			}
		}()
	}
}

func (c *turns) carry(client net.Conn, address string) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", address)
	if err != nil {
		_ = client.Close()
		return
	}
	copyTo := func(to, from net.Conn, note func()) {
		defer to.Close() //nolint:errcheck // the line is cut either way
		b := make([]byte, 1<<16)
		for {
			n, err := from.Read(b)
			if err != nil {
				return
			}
			note()
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() {
		copyTo(server, client, func() {
			if c.answer.Swap(false) {
				c.n.Add(1)
			}
		})
	})
	both.Go(func() { copyTo(client, server, func() { c.answer.Store(true) }) })
	both.Wait()
}

// A batch of postings waits for PostgreSQL twice, however many postings there are in it.
func TestABatchTakesTwoRoundTrips(t *testing.T) {
	t.Parallel()
	c := &turns{}
	h := open(t, dbtest.Postgres(t, c.between(t)), writer.Config{})
	for i := range 3 { // statements are prepared, wallets are known
		require.NoError(t, h.post(t, payIn(fmt.Sprint("in", i), "ann", 1000)))
		require.NoError(t, h.post(t, pay(fmt.Sprint("out", i), "ann", "bob", 1)))
	}
	before := c.n.Load()
	require.NoError(t, h.post(t, pay("one", "ann", "bob", 1)))
	require.Equal(t, int64(2), c.n.Load()-before, "one posting")
	many := make([]writer.Posting, 50)
	for i := range many {
		many[i] = pay(fmt.Sprint("many", i), "ann", "bob", 1)
	}
	before = c.n.Load()
	_, err := h.svc.PostAtomic(t.Context(), h.staff.Integrator, many)
	require.NoError(t, err)
	require.Equal(t, int64(2), c.n.Load()-before, "fifty postings")
	h.verify(t)
}
