// Package demo makes the demonstration institution: a bank with branches and people of each role, about
// sixty small firms, and two years of invoices for each, and walks the main job on them. Everything it
// makes is synthetic, comes from one seed, and is marked as demonstration wherever it appears.
//
// The generator: every firm has a hidden health h in (0, 1), drawn once. Health shapes what a lender
// could see: the trend and spread of monthly sales, how often months stay silent, the share of void
// and red-letter invoices, how few buyers there are and how fast they leave, and the margin between
// sales and purchases. The default label is drawn from h alone (probability 1/(1+e^(14(h-0.36)))),
// never from the invoices, so that a model must find its way back from invoices to label as in life.
package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/uscc"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// Firm is one synthetic firm with its evidence.
type Firm struct {
	Code, Name, USCC, Industry, Region string
	OwnerName, Phone, Address          string
	Branch                             string // code of the branch that serves it
	Employees                          int64
	RevenueMinor, AssetsMinor          int64
	Label                              string // "good", "bad", or "" for firms without credit history
	Invoices                           []source.Invoice
	// Health is the hidden quality; it never enters the system.
	Health float64
}

// Options fix what is generated.
type Options struct {
	Seed   uint64
	Firms  int
	Until  calendar.Date // last day of evidence
	Months int
}

// DefaultOptions are those of `capillary demo`.
func DefaultOptions() Options {
	return Options{Seed: 20260630, Firms: 60, Until: calendar.MustParse("2026-06-30"), Months: 24}
}

type trade struct {
	industry, zh string
	employees    int64
	monthlyYuan  float64 // typical monthly sales
	ticketYuan   float64 // typical invoice
	peak         int     // month of the seasonal peak
	swing        float64 // height of the season
	taxPercent   int64
}

var trades = []trade{
	{"C3311", "金属结构制造", 45, 620_000, 21_000, 10, 0.18, 13},
	{"C1819", "服装加工", 60, 480_000, 14_000, 9, 0.35, 13},
	{"C2929", "塑料制品", 38, 510_000, 16_000, 11, 0.15, 13},
	{"C3484", "机械零部件加工", 32, 430_000, 18_000, 6, 0.12, 13},
	{"F5172", "建材批发", 14, 760_000, 24_000, 5, 0.25, 13},
	{"F5126", "果品蔬菜批发", 9, 390_000, 9_000, 1, 0.40, 9},
	{"F5177", "电子产品批发", 12, 820_000, 19_000, 11, 0.30, 13},
	{"G5430", "道路货运", 26, 350_000, 6_500, 12, 0.16, 9},
	{"I6513", "软件开发", 22, 300_000, 32_000, 12, 0.20, 6},
	{"L7262", "会展服务", 11, 210_000, 26_000, 4, 0.45, 6},
	{"H6210", "餐饮服务", 28, 180_000, 4_200, 2, 0.22, 6},
	{"M7482", "工程设计", 19, 270_000, 38_000, 8, 0.15, 6},
}

var brands = []string{"恒源", "瑞丰", "宏达", "金穗", "启明", "永兴", "嘉禾", "顺捷", "天元", "博远", "锦程", "华安", "佳信", "同创", "新泰", "远航", "德盛", "汇通", "康宁", "明达"}

var places = []struct{ zh, region, branch string }{
	{"温州", "330302", "east"}, {"苍南", "330327", "east"}, {"乐清", "330382", "east"},
	{"衢州", "330802", "west"}, {"龙游", "330825", "west"}, {"江山", "330881", "west"},
}

// Generate makes the firms. The same options always give the same bytes.
func Generate(o Options) ([]Firm, error) {
	rnd := rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)) //nolint:gosec // a seeded generator, on purpose
	firms := make([]Firm, 0, o.Firms)
	for i := range o.Firms {
		f, t, err := identity(rnd, i)
		if err != nil {
			return nil, err
		}
		thin := i%12 == 11 // every twelfth firm is young: a thin file
		months := o.Months
		if thin {
			months = 3
		}
		size := t.monthlyYuan * math.Exp(rnd.NormFloat64()*0.35)
		g := newGenerator(rnd, f.Code, t, f.Health, size)
		f.Invoices = g.months(o.Until, months)
		f.Employees = max(3, int64(float64(t.employees)*math.Exp(rnd.NormFloat64()*0.25)))
		f.RevenueMinor = revenue(f.Invoices, o.Until)
		f.AssetsMinor = f.RevenueMinor * (60 + rnd.Int64N(50)) / 100
		switch {
		case thin || i%15 == 7:
			// No credit history: nobody knows yet.
		case rnd.Float64() < 1/(1+math.Exp(14*(f.Health-0.36))):
			f.Label = "bad"
		default:
			f.Label = "good"
		}
		firms = append(firms, f)
	}
	return firms, nil
}

func identity(rnd *rand.Rand, i int) (Firm, trade, error) {
	t, p := trades[i%len(trades)], places[(i/2)%len(places)]
	code, err := uscc.Make('9', '1', p.region, fmt.Sprintf("DEM0%04d", i+1))
	if err != nil {
		return Firm{}, t, fmt.Errorf("demo firm %d: %w", i+1, err)
	}
	surnames := []rune("陈林黄张李王吴刘徐周")
	given := []string{"建国", "晓梅", "志强", "丽华", "伟", "芳", "国平", "秀英", "海燕", "永康"}
	return Firm{
		Code: fmt.Sprintf("D%03d", i+1), Name: p.zh + brands[(i*7+i/20)%len(brands)] + t.zh + "有限公司（演示）", USCC: code,
		Industry: t.industry, Region: p.region, Branch: p.branch,
		OwnerName: string(surnames[rnd.IntN(len(surnames))]) + given[rnd.IntN(len(given))],
		Phone:     fmt.Sprintf("139%08d", rnd.IntN(100_000_000)), Address: p.zh + "演示路" + fmt.Sprint(1+rnd.IntN(300)) + "号",
		Health: 0.05 + 0.9*rnd.Float64(),
	}, t, nil
}

// revenue is the net valid sales of the last twelve months.
func revenue(invoices []source.Invoice, until calendar.Date) int64 {
	from := until.AddMonths(-12, calendar.Clamp)
	var sum int64
	for _, v := range invoices {
		if v.Direction == source.Sale && !v.Void && v.Date.After(from) {
			sum += v.NetMinor
		}
	}
	return sum
}

// FreshBatch makes the invoices of one firm after from and up to and with to. A firm that falls loses
// most of its sales and voids much of the rest: what the watch must notice.
func FreshBatch(o Options, f Firm, falls bool, from, to calendar.Date) []source.Invoice {
	span := to.Sub(from)
	rnd := rand.New(rand.NewPCG(o.Seed^uint64(to.Days()), uint64(f.Code[len(f.Code)-1])*131+uint64(f.Code[len(f.Code)-2]))) //nolint:gosec // seeded on purpose
	t := trades[0]
	for _, x := range trades {
		if x.industry == f.Industry {
			t = x
		}
	}
	level, h := float64(f.RevenueMinor)/100/12*float64(span)/30, f.Health
	if falls {
		level, h = level*0.06, 0.05
	}
	g := newGenerator(rnd, f.Code, t, h, level)
	g.serial = 1_000_000 + int(to.Days())*100
	out := g.month(to, 0, level, source.Sale, g.buyers, 0.03+0.16*(1-h))
	out = append(out, g.month(to, 0, level*0.7, source.Purchase, g.sellers, 0.02)...)
	for i := range out {
		out[i].Date = from.AddDays(1 + rnd.IntN(span))
	}
	return out
}

type generator struct {
	rnd     *rand.Rand
	code    string
	t       trade
	h       float64
	monthly float64 // yuan
	trend   float64 // per month
	buyers  []partner
	sellers []partner
	serial  int
}

type partner struct {
	code   string
	weight float64
	leaves int // months before the end at which the partner is gone; 0 stays
}

func newGenerator(rnd *rand.Rand, code string, t trade, h, monthly float64) *generator {
	g := &generator{rnd: rnd, code: code, t: t, h: h, monthly: monthly, serial: 100_000 + rnd.IntN(10_000)*17}
	g.trend = (h-0.45)*0.045 + rnd.NormFloat64()*0.004
	g.buyers = g.partners("DB", 3+int(h*22)+rnd.IntN(5))
	g.sellers = g.partners("DS", 3+int(h*12)+rnd.IntN(4))
	return g
}

func (g *generator) partners(prefix string, n int) []partner {
	out := make([]partner, n)
	for i := range out {
		// Drawn from one pool, so that firms share counterparties as firms of one town do.
		out[i] = partner{code: fmt.Sprintf("%s%04d", prefix, g.rnd.IntN(400)), weight: math.Exp(g.rnd.NormFloat64() * (1.9 - g.h))}
		if g.rnd.Float64() > 0.35+0.6*g.h {
			out[i].leaves = 1 + g.rnd.IntN(12)
		}
	}
	return out
}

// months writes n months of invoices that end on the day until.
func (g *generator) months(until calendar.Date, n int) []source.Invoice {
	var out []source.Invoice
	for back := n - 1; back >= 0; back-- {
		last := until.AddMonths(-back, calendar.Stick)
		season := 1 + g.t.swing*math.Cos(2*math.Pi*float64(int(last.Month())-g.t.peak)/12)
		level := g.monthly * season * math.Exp(g.trend*float64(n-1-back)+g.rnd.NormFloat64()*(0.5-0.38*g.h))
		if g.rnd.Float64() < 0.28*(1-g.h)*(1-g.h) {
			level = 0 // a silent month
		}
		out = append(out, g.month(last, back, level, source.Sale, g.buyers, 0.03+0.16*(1-g.h))...)
		cost := 0.62 + 0.25*(1-g.h) + 0.05*g.rnd.NormFloat64()
		out = append(out, g.month(last, back, g.monthly*season*cost*(0.85+0.3*g.rnd.Float64()), source.Purchase, g.sellers, 0.02)...)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Date.Before(out[j].Date) })
	return out
}

func (g *generator) month(last calendar.Date, back int, level float64, dir source.Direction, parties []partner, voidShare float64) []source.Invoice {
	var active []partner
	var sum float64
	for _, p := range parties {
		if p.leaves == 0 || back >= p.leaves {
			active, sum = append(active, p), sum+p.weight
		}
	}
	if len(active) == 0 || level < 500 {
		return nil
	}
	n := max(1, int(level/g.t.ticketYuan*0.8))
	n = min(n, 60)
	var out []source.Invoice
	for range n {
		pick, who := g.rnd.Float64()*sum, active[len(active)-1]
		for _, p := range active {
			if pick -= p.weight; pick <= 0 {
				who = p
				break
			}
		}
		gross := int64(level / float64(n) * math.Exp(g.rnd.NormFloat64()*0.4-0.08) * 100)
		inv := g.invoice(last, dir, who.code, gross)
		switch x := g.rnd.Float64(); {
		case x < voidShare:
			inv.Void = true
		case x < voidShare*1.3:
			inv.NetMinor, inv.TaxMinor, inv.GrossMinor, inv.Red = -inv.NetMinor/3, -inv.TaxMinor/3, -inv.NetMinor/3-inv.TaxMinor/3, true
		}
		out = append(out, inv)
	}
	return out
}

func (g *generator) invoice(last calendar.Date, dir source.Direction, party string, gross int64) source.Invoice {
	g.serial += 1 + g.rnd.IntN(9)
	net := gross * 100 / (100 + g.t.taxPercent)
	return source.Invoice{
		Direction: dir, Number: fmt.Sprintf("%08d", g.serial), Date: last.AddDays(-g.rnd.IntN(last.Day())),
		Counterparty: party, NetMinor: net, TaxMinor: gross - net, GrossMinor: gross,
	}
}
