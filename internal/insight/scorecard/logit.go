package scorecard

import (
	"errors"
	"math"
)

// errSingular says that a regression has no unique solution, which a positive L2 weight prevents.
var errSingular = errors.New("scorecard: the regression is singular")

// logit fits P(bad) = 1/(1+exp(-(beta0 + sum beta_k x_k))) by Newton's method (IRLS) with the penalty l2/2 * |beta|^2
// on all but the intercept. Columns are feature-major.
type logit struct {
	beta     []float64 // beta[0] is the intercept
	deviance float64   // -2 log-likelihood without the penalty
}

const (
	logitRounds    = 50
	trialRounds    = 3 // enough to rank candidates from a warm start; the chosen one is fitted fully
	logitTolerance = 1e-9
)

func fitLogit(columns [][]float64, bad []bool, l2 float64, start []float64, rounds int) (logit, error) {
	k := len(columns) + 1
	fit := logit{beta: make([]float64, k)}
	copy(fit.beta, start)
	hessian, gradient := make([]float64, k*k), make([]float64, k)
	x := make([]float64, k)
	for range rounds {
		clear(hessian)
		clear(gradient)
		for i := range bad {
			p := fit.row(columns, i, x)
			w, r := p*(1-p), outcome(bad[i])-p
			for a := range k {
				gradient[a] += r * x[a]
				wa := w * x[a]
				for b := 0; b <= a; b++ {
					hessian[a*k+b] += wa * x[b]
				}
			}
		}
		for a := 1; a < k; a++ {
			gradient[a] -= l2 * fit.beta[a]
			hessian[a*k+a] += l2
		}
		step, err := solve(hessian, gradient, k)
		if err != nil {
			return fit, err
		}
		var largest float64
		for a := range k {
			fit.beta[a] += step[a]
			largest = max(largest, math.Abs(step[a]))
		}
		if largest < logitTolerance {
			break
		}
	}
	for i, b := range bad {
		p := fit.row(columns, i, x)
		if !b {
			p = 1 - p
		}
		fit.deviance -= 2 * math.Log(max(p, math.SmallestNonzeroFloat64))
	}
	return fit, nil
}

// row fills x with the row's inputs, the constant first, and returns its probability.
func (f *logit) row(columns [][]float64, i int, x []float64) float64 {
	x[0] = 1
	z := f.beta[0]
	for c := range columns {
		x[c+1] = columns[c][i]
		z += f.beta[c+1] * columns[c][i]
	}
	return sigmoid(z)
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// solve solves a symmetric positive definite system by Cholesky; only the lower triangle of m is read.
func solve(m, rhs []float64, k int) ([]float64, error) {
	l := make([]float64, k*k)
	for i := range k {
		for j := 0; j <= i; j++ {
			s := m[i*k+j]
			for t := range j {
				s -= l[i*k+t] * l[j*k+t]
			}
			if i != j {
				l[i*k+j] = s / l[j*k+j]
				continue
			}
			if s <= 1e-14 {
				return nil, errSingular
			}
			l[i*k+i] = math.Sqrt(s)
		}
	}
	x := make([]float64, k)
	for i := range k {
		s := rhs[i]
		for t := range i {
			s -= l[i*k+t] * x[t]
		}
		x[i] = s / l[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		s := x[i]
		for t := i + 1; t < k; t++ {
			s -= l[t*k+i] * x[t]
		}
		x[i] = s / l[i*k+i]
	}
	return x, nil
}
