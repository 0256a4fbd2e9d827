package reliability_test

import (
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/powerloss"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// plant is a teller's SQLite file on a disk whose power is cut, and the bank outside, whose power is not.
type plant struct {
	*sim.World
	t       *testing.T
	harness *crash.Harness
	bank    *bank.Server
	rnd     *rand.Rand
	image   map[string][]byte // what is on the platter
	lies    bool              // the disk says it has synced what it has not
}

const plantFile = "test.db"

func newPlant(t *testing.T, seed uint64, pragma string) *plant {
	t.Helper()
	if err := powerloss.Available(); err != nil {
		t.Skipf("NOT TESTED: power loss: %v", err)
	}
	s, err := bank.New(bank.Config{Secret: bankSecret, SettlementMinor: 1_000_000_000_00, Faults: bank.Faults{FailAfterPermille: 200}})
	require.NoError(t, err)
	web := httptest.NewServer(s)
	t.Cleanup(func() { web.Close(); _ = s.Close() })
	d := dbtest.SQLite(t)
	w := sim.NewWorld(d, dbtest.Institution(t, d), outside{s: s})
	f, err := w.OpenFacility(t.Context(), "firm_kill", 9_000_000_000_00)
	require.NoError(t, err)
	_, err = d.Owner().ExecContext(t.Context(), "pragma wal_checkpoint(truncate)")
	require.NoError(t, err)
	data, err := os.ReadFile(d.Path())
	require.NoError(t, err)
	h := crash.New(t, d, "teller", map[string]string{"bank": web.URL, "institution": w.Staff.InstitutionID, "facility": f.ID, "pragma": pragma})
	h.Quiet = true
	return &plant{World: w, t: t, harness: h, bank: s, rnd: rand.New(rand.NewPCG(seed, 5)), image: map[string][]byte{plantFile: data}}
}

// cycle lets a teller work on the disk, cuts the power, and gives what he had been acknowledged and the database on
// what is left, opened as after a restart.
func (p *plant) cycle() (said []string, d *db.DB) {
	p.t.Helper()
	disk := powerloss.NewDisk()
	for name, data := range p.image {
		disk.Load(name, data)
	}
	if p.lies {
		disk.Lie()
	}
	at := p.t.TempDir()
	unmount := powerloss.Mount(p.t, disk, at)
	p.harness.OnPath(filepath.Join(at, plantFile))
	var some *rand.Rand // half of the cuts let some unsynced sectors arrive
	if p.rnd.IntN(2) == 0 {
		some = rand.New(rand.NewPCG(p.rnd.Uint64(), 1))
	}
	said = p.harness.CutAfter(time.Duration(20_000+p.rnd.IntN(250_000))*time.Microsecond, func() { disk.Cut(some) })
	disk.Cut(some) // when the teller ended by himself
	unmount()
	left := p.t.TempDir()
	require.NoError(p.t, disk.WriteTo(left))
	d, err := db.Open(p.t.Context(), db.Config{Path: filepath.Join(left, plantFile)})
	require.NoError(p.t, err)
	return said, d
}

// keep closes a database and makes it the next cycle's disk.
func (p *plant) keep(d *db.DB) {
	p.t.Helper()
	path := d.Path()
	require.NoError(p.t, d.Close())
	data, err := os.ReadFile(path)
	require.NoError(p.t, err)
	p.image = map[string][]byte{plantFile: data}
}

// Bar 5: the power fails at random instants under SQLite as it is configured: whatever was acknowledged is on what is
// left of the disk, nothing is there by halves, and what the bank had been told to pay is known.
func TestPowerLossLosesNoAcknowledgement(t *testing.T) {
	t.Parallel()
	heavy(t)
	p := newPlant(t, seedOf(t, "CAPILLARY_POWER_SEED"), "")
	cycles := size(t, "CAPILLARY_CUTS", 10, 300)
	acks := 0
	for range cycles {
		said, d := p.cycle()
		w := sim.Attach(d, p.Staff.InstitutionID, outside{s: p.bank})
		acknowledged(t, w, said)
		w.Must(t)
		require.NoError(t, paidAndKnown(t, w, p.bank))
		acks += len(said)
		p.keep(d)
	}
	require.Greater(t, acks, cycles, "the teller did something")
	t.Logf("%d cuts, %d acknowledgements", cycles, acks)
}

// paidAndKnown looks for the loan behind every payment of the bank.
func paidAndKnown(t *testing.T, w *sim.World, s *bank.Server) error {
	t.Helper()
	return w.DB.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) error {
		loans, err := loan.ByFirm(t.Context(), tx, "firm_kill")
		known := map[string]bool{}
		for _, l := range loans {
			known[l.Reference] = true
		}
		for _, p := range s.Payments() {
			require.True(t, known[p.Key[strings.LastIndex(p.Key, ":")+1:]], "the bank paid %s, which was lost", p.Key)
		}
		return err
	})
}

// The harness sees what it is for: with synchronous=NORMAL, which the journal of a bank must not use, acknowledged
// commits are lost.
func TestPowerLossIsSeenWithoutSync(t *testing.T) {
	t.Parallel()
	heavy(t)
	losing(t, newPlant(t, seedOf(t, "CAPILLARY_POWER_SEED"), "pragma synchronous=NORMAL"))
}

// A disk that lies: it answers every sync at once and keeps what it likes. SQLite as it is configured cannot be safe on it, and what was lost
// is noticed.
func TestADiskThatLiesIsNoticed(t *testing.T) {
	t.Parallel()
	heavy(t)
	p := newPlant(t, seedOf(t, "CAPILLARY_POWER_SEED"), "")
	p.lies = true
	losing(t, p)
}

// losing wants power cuts that lose something that was acknowledged.
func losing(t *testing.T, p *plant) {
	t.Helper()
	lost := 0
	for range 3 {
		said, d := p.cycle()
		require.NoError(t, d.View(t.Context(), p.Staff.System.Scope(), func(tx *db.Tx) error {
			for _, line := range crash.Acked(said, "drawn") {
				_, id, _ := strings.Cut(line, " ")
				if _, err := loan.ByID(t.Context(), tx, id); err != nil {
					lost++
				}
			}
			return nil
		}))
		require.NoError(t, d.Close())
	}
	require.Positive(t, lost, "three power cuts without a sync lost nothing: the harness does not cut")
	t.Logf("%d acknowledged drawdowns were lost", lost)
}
