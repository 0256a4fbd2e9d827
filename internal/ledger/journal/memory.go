package journal

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// Memory is what a writer remembers between its batches: the balances and turnovers that the last one left, by the head
// it left. A batch that finds the head so reads none of them again. It is a hint and no truth: the row that is written
// must still be the one that is remembered, or the batch fails (db.IsPassedOver) and is judged anew by what
// is stored; and a batch in which money seems to be missing is judged by what is stored at once. One goroutine uses it.
type Memory struct {
	head      headState
	today     calendar.Date
	funds     map[fundKey][]*balance // every branch's balance of a sub-account
	turnovers map[turnoverKey]*turnover
}

// memoryMax bounds what is remembered of an institution: some twenty megabytes. When it is full everything is forgotten,
// for what is used will be back with the next batches.
const memoryMax = 25_000

// Forget drops everything: the outcome of a batch is not known, or the memory was found wrong.
func (m *Memory) Forget() {
	if m != nil {
		m.head, m.funds, m.turnovers = headState{}, nil, nil
	}
}

// recall gives a book what is remembered of keys and returns those that must be read.
func (b *book) recall(m *Memory, funds map[fundKey]bool, turns map[turnoverKey]bool) {
	if m == nil {
		return
	}
	for k := range funds {
		list, known := m.funds[k]
		if !known {
			continue
		}
		delete(funds, k)
		b.recalled = true
		for _, kept := range list {
			own := *kept
			b.addBalance(&own)
		}
	}
	for k := range turns {
		if kept, known := m.turnovers[k]; known {
			delete(turns, k)
			b.recalled = true
			own := *kept
			b.turnovers[k] = &own
		}
	}
}

// keep remembers what a committed batch has left.
func (m *Memory) keep(b *book) {
	if m.funds == nil || len(m.funds)+len(m.turnovers) > memoryMax {
		m.funds, m.turnovers = map[fundKey][]*balance{}, map[turnoverKey]*turnover{}
	}
	m.head, m.today = b.head, b.today
	for _, bal := range b.balances {
		if bal.stored == "" {
			continue // made for a request that was refused
		}
		bal.moved = false
		bal.mark = 0
		k := bal.fund()
		if !b.complete[k] {
			continue
		}
		list := m.funds[k]
		at := 0
		for at < len(list) && list[at].balanceKey != bal.balanceKey {
			at++
		}
		if at < len(list) {
			list[at] = bal
		} else {
			m.funds[k] = append(list, bal)
		}
	}
	for k, t := range b.turnovers {
		if t.stored != "" {
			t.moved = false
			t.mark = 0
			m.turnovers[k] = t
		}
	}
}
