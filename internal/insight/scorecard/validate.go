package scorecard

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// Spread describes a figure over many folds.
type Spread struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
	P05  float64 `json:"p05"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
}

// Fold is the result of one held-out part.
type Fold struct {
	Repeat int `json:"repeat"`
	Fold   int `json:"fold"`
	Performance
	Features []string `json:"features"`
}

// Validation is the outcome of a repeated stratified cross-validation in which binning, selection and regression were
// done anew without the held-out part, each time.
type Validation struct {
	Samples   int            `json:"samples"`
	Bads      int            `json:"bads"`
	ThinFiles int            `json:"thin_files"`
	FoldCount int            `json:"fold_count"`
	Repeats   int            `json:"repeats"`
	Seed      uint64         `json:"seed"`
	AUC       Spread         `json:"auc" doc:"over the folds"`
	KS        Spread         `json:"ks"`
	Brier     Spread         `json:"brier"`
	RepeatAUC Spread         `json:"repeat_auc" doc:"over the repeats, each over all firms held out once"`
	Folds     []Fold         `json:"folds"`
	HeldOut   []PairedPD     `json:"held_out" doc:"mean held-out PD of each firm over the repeats"`
	Chosen    map[string]int `json:"chosen" doc:"in how many folds each feature was selected"`
	Slope     float64        `json:"slope" doc:"calibration slope of held-out log-odds: under 1 means too extreme"`
	Intercept float64        `json:"intercept"`
}

// PairedPD is a firm's mean held-out PD beside its outcome.
type PairedPD struct {
	ID  string  `json:"id"`
	PD  float64 `json:"pd"`
	Bad bool    `json:"bad"`
}

// CrossValidate runs opt.Repeats times a stratified opt.Folds-fold cross-validation.
func CrossValidate(samples []Sample, opt Options) (Validation, error) {
	if err := opt.Validate(); err != nil {
		return Validation{}, err
	}
	m, err := newMatrix(samples, &opt)
	if err != nil {
		return Validation{}, err
	}
	parts := make([][]uint8, opt.Repeats)
	for r := range parts {
		parts[r] = stratify(m.bad, opt.Folds, opt.Seed, uint64(r))
	}
	n := len(samples)
	held := make([][]float64, opt.Repeats)
	for r := range held {
		held[r] = make([]float64, n)
	}
	folds := make([]Fold, opt.Repeats*opt.Folds)
	errs := make([]error, len(folds))
	var done atomic.Int64
	var stopped atomic.Bool
	each(len(folds), opt.Workers, func() func(int) {
		f := newFitter(m, &opt)
		return func(job int) {
			if stopped.Load() {
				return
			}
			r, k := job/opt.Folds, job%opt.Folds
			folds[job], errs[job] = f.holdOut(parts[r], uint8(k), held[r])
			folds[job].Repeat, folds[job].Fold = r, k
			if opt.Watch != nil && errs[job] == nil {
				errs[job] = opt.Watch(int(done.Add(1)), len(folds))
			}
			if errs[job] != nil {
				stopped.Store(true)
			}
		}
	})
	for _, err := range errs {
		if err != nil {
			return Validation{}, err
		}
	}
	return summarise(samples, m, &opt, folds, held), nil
}

// holdOut fits without one fold and fills the log-odds of its rows.
func (f *fitter) holdOut(part []uint8, fold uint8, held []float64) (Fold, error) {
	ft, err := f.fit(func(row int) bool { return part[row] != fold })
	if err != nil {
		return Fold{}, err
	}
	prior := priorLogOdds(f.m.bad, func(row int) bool { return part[row] != fold })
	var test []Prediction
	for row := range part {
		if part[row] != fold {
			continue
		}
		z := prior
		if !f.m.thin[row] {
			z = ft.logOdds(f.m, row)
		}
		held[row] = z
		test = append(test, Prediction{PD: sigmoid(z), Bad: f.m.bad[row]})
	}
	out := Fold{Performance: Measure(test), Features: []string{}}
	for i := range ft.columns {
		out.Features = append(out.Features, f.m.defs[ft.columns[i].feature].ID)
	}
	return out, nil
}

func priorLogOdds(bad []bool, use func(int) bool) float64 {
	var b, g float64
	for i := range bad {
		switch {
		case !use(i):
		case bad[i]:
			b++
		default:
			g++
		}
	}
	return math.Log(b / g)
}

// stratify deals the bad and the good rows separately into folds, in an order drawn from the seed.
func stratify(bad []bool, folds int, seed, repeat uint64) []uint8 {
	r := rand.New(rand.NewPCG(seed, repeat))
	part := make([]uint8, len(bad))
	next := 0
	for _, class := range []bool{true, false} {
		var rows []int
		for i, b := range bad {
			if b == class {
				rows = append(rows, i)
			}
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, row := range rows {
			part[row] = uint8(next % folds)
			next++
		}
	}
	return part
}

// each runs the jobs on workers goroutines; every worker makes its own run function and with it its scratch space.
func each(jobs, workers int, worker func() func(int)) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	next := make(chan int, jobs)
	for i := range jobs {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(workers, jobs) {
		wg.Go(func() {
			run := worker()
			for job := range next {
				run(job)
			}
		})
	}
	wg.Wait()
}

// Predictions are the mean held-out PDs after the calibration that the same predictions asked for.
func (v Validation) Predictions() []Prediction {
	out := make([]Prediction, len(v.HeldOut))
	for i, h := range v.HeldOut {
		out[i] = Prediction{PD: sigmoid(v.Intercept + v.Slope*math.Log(h.PD/(1-h.PD))), Bad: h.Bad}
	}
	return out
}

func summarise(samples []Sample, m *matrix, opt *Options, folds []Fold, held [][]float64) Validation {
	v := Validation{Samples: len(samples), FoldCount: opt.Folds, Repeats: opt.Repeats, Seed: opt.Seed, Folds: folds, Chosen: map[string]int{}}
	var auc, ks, brier, repeats []float64
	for _, f := range folds {
		auc, ks, brier = append(auc, f.AUC), append(ks, f.KS), append(brier, f.Brier)
		for _, id := range f.Features {
			v.Chosen[id]++
		}
	}
	var odds []float64
	var outcomes []bool
	mean := make([]float64, len(samples))
	for _, h := range held {
		p := make([]Prediction, len(h))
		for i, z := range h {
			p[i] = Prediction{PD: sigmoid(z), Bad: m.bad[i]}
			mean[i] += p[i].PD / float64(len(held))
			if !m.thin[i] {
				odds, outcomes = append(odds, z), append(outcomes, m.bad[i])
			}
		}
		repeats = append(repeats, AUC(p))
	}
	for i, s := range samples {
		v.HeldOut = append(v.HeldOut, PairedPD{ID: s.ID, PD: mean[i], Bad: s.Bad})
		if s.Bad {
			v.Bads++
		}
		if m.thin[i] {
			v.ThinFiles++
		}
	}
	v.AUC, v.KS, v.Brier, v.RepeatAUC = spread(auc), spread(ks), spread(brier), spread(repeats)
	fit, err := fitLogit([][]float64{odds}, outcomes, 0, []float64{0, 1}, logitRounds)
	if err != nil { // held-out odds that never differ say nothing: every firm gets the prior
		v.Intercept, v.Slope = priorLogOdds(m.bad, func(int) bool { return true }), 0
		return v
	}
	v.Intercept, v.Slope = fit.beta[0], fit.beta[1]
	return v
}
