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

// logitSpace is scratch that many fits share: a cross-validation makes hundreds of thousands of them.
type logitSpace struct {
	hessian, gradient, x, lower, step []float64
	warm                              []float64 // probabilities of the rows at the start, when they are known
}

// warmUp keeps the probabilities under a fit, from which many trials with one further column start.
func (s *logitSpace) warmUp(fit *logit, columns [][]float64, rows int) {
	s.size(len(columns) + 1)
	s.warm = s.warm[:0]
	for i := range rows {
		s.warm = append(s.warm, fit.row(columns, i, s.x))
	}
}

// promise is how far the penalised deviance would fall after one step of Newton's method from the warm start, if it were
// the parabola that it nearly is: enough to tell which columns are worth a trial.
func (s *logitSpace) promise(columns [][]float64, bad []bool, l2 float64, start []float64) float64 {
	fit := logit{beta: start}
	s.size(len(columns) + 1)
	s.accumulate(&fit, columns, bad, s.warm)
	s.penalise(&fit, l2)
	if err := s.solve(len(start)); err != nil {
		return 0
	}
	var fall float64
	for a, g := range s.gradient {
		fall += g * s.step[a]
	}
	return fall
}

// penalise adds the penalty's part to gradient and Hessian.
func (s *logitSpace) penalise(fit *logit, l2 float64) {
	k := len(fit.beta)
	for a := 1; a < k; a++ {
		s.gradient[a] -= l2 * fit.beta[a]
		s.hessian[a*k+a] += l2
	}
}

// trial is a fit of few rounds from the warm start.
func (s *logitSpace) trial(columns [][]float64, bad []bool, l2 float64, start []float64) (logit, error) {
	return s.run(columns, bad, l2, start, trialRounds, s.warm)
}

func (s *logitSpace) size(k int) {
	if cap(s.hessian) < k*k {
		s.hessian, s.lower = make([]float64, k*k), make([]float64, k*k)
		s.gradient, s.x, s.step = make([]float64, k), make([]float64, k), make([]float64, k)
	}
	s.hessian, s.lower = s.hessian[:k*k], s.lower[:k*k]
	s.gradient, s.x, s.step = s.gradient[:k], s.x[:k], s.step[:k]
}

func fitLogit(columns [][]float64, bad []bool, l2 float64, start []float64, rounds int) (logit, error) {
	return new(logitSpace).fit(columns, bad, l2, start, rounds)
}

func (s *logitSpace) fit(columns [][]float64, bad []bool, l2 float64, start []float64, rounds int) (logit, error) {
	return s.run(columns, bad, l2, start, rounds, nil)
}

func (s *logitSpace) run(columns [][]float64, bad []bool, l2 float64, start []float64, rounds int, warm []float64) (logit, error) {
	k := len(columns) + 1
	fit := logit{beta: make([]float64, k)}
	copy(fit.beta, start)
	s.size(k)
	for range rounds {
		s.accumulate(&fit, columns, bad, warm)
		warm = nil
		s.penalise(&fit, l2)
		if err := s.solve(k); err != nil {
			return fit, err
		}
		var largest float64
		for a := range k {
			fit.beta[a] += s.step[a]
			largest = max(largest, math.Abs(s.step[a]))
		}
		if largest < logitTolerance {
			break
		}
	}
	fit.deviance = s.deviance(&fit, columns, bad)
	return fit, nil
}

// accumulate fills gradient and lower triangle of the Hessian of the log-likelihood.
func (s *logitSpace) accumulate(fit *logit, columns [][]float64, bad []bool, warm []float64) {
	clear(s.hessian)
	clear(s.gradient)
	k := len(s.gradient)
	x := s.x
	for i := range bad {
		var p float64
		if warm != nil {
			p = warm[i]
			x[0] = 1
			for c := range columns {
				x[c+1] = columns[c][i]
			}
		} else {
			p = fit.row(columns, i, x)
		}
		w, r := p*(1-p), outcome(bad[i])-p
		for a := range k {
			s.gradient[a] += r * x[a]
			wa := w * x[a]
			line := s.hessian[a*k : a*k+a+1]
			for b := range line {
				line[b] += wa * x[b]
			}
		}
	}
}

// deviance multiplies likelihoods and takes a logarithm only before the product could vanish.
func (s *logitSpace) deviance(fit *logit, columns [][]float64, bad []bool) float64 {
	const tiny = 1e-140
	sum, product := 0.0, 1.0
	for i, b := range bad {
		p := fit.row(columns, i, s.x)
		if !b {
			p = 1 - p
		}
		if p < tiny {
			sum += math.Log(max(p, math.SmallestNonzeroFloat64))
			continue
		}
		if product *= p; product < tiny {
			sum += math.Log(product)
			product = 1
		}
	}
	return -2 * (sum + math.Log(product))
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

// solve solves the symmetric positive definite system by Cholesky; only the lower triangle of the Hessian is read.
func (s *logitSpace) solve(k int) error {
	m, rhs, l, x := s.hessian, s.gradient, s.lower, s.step
	for i := range k {
		for j := 0; j <= i; j++ {
			v := m[i*k+j]
			for t := range j {
				v -= l[i*k+t] * l[j*k+t]
			}
			if i != j {
				l[i*k+j] = v / l[j*k+j]
				continue
			}
			if v <= 1e-14 {
				return errSingular
			}
			l[i*k+i] = math.Sqrt(v)
		}
	}
	for i := range k {
		v := rhs[i]
		for t := range i {
			v -= l[i*k+t] * x[t]
		}
		x[i] = v / l[i*k+i]
	}
	for i := k - 1; i >= 0; i-- {
		v := x[i]
		for t := i + 1; t < k; t++ {
			v -= l[t*k+i] * x[t]
		}
		x[i] = v / l[i*k+i]
	}
	return nil
}
