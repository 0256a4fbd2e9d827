package receipt

// SetFailpoint breaks the service off where a test says.
func (s *Service) SetFailpoint(f func(where string) error) { s.failpoint = f }

// Decide lets tests of the rules in.
func (p Policy) Decide(l Line, candidates []Candidate) Verdict {
	return p.decide(evidence{line: l, candidates: candidates})
}

// Found marks how a candidate was found.
func (c Candidate) Found(how string) Candidate {
	c.found |= map[string]int{"number": byNumber, "account": byAccount, "firm": byFirm, "name": byName}[how]
	return c
}

// Tokens are what may be loan numbers in a payment.
func (l Line) Tokens() []string { return l.tokens() }

// ReadFile reads a file as the job does.
var ReadFile = read

// NewSink makes a sink for ReadFile.
func NewSink(line func(Line) error, bad func(BadRow) error) sink { return sink{line: line, bad: bad} } //nolint:revive // for tests
