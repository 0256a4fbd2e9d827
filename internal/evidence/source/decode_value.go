package source

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// maxFen bounds one amount to ±10 trillion yuan, far inside int64, so that sums of a whole file
// cannot overflow either.
const maxFen = 1_000_000_000_000_000

// parseFen reads an amount in yuan as integer fen. It never passes through a float and never
// rounds: a third decimal is an error the sender must settle.
func parseFen(b []byte) (int64, *fault.Reason) {
	if v, ok := plainFen(b); ok {
		return v, nil
	}
	b = trimBlank(b)
	if len(b) == 0 {
		return 0, ReasonCellEmpty
	}
	b, negative := stripSign(b)
	if bytes.IndexByte(b, ',') >= 0 {
		joined, ok := joinThousands(b)
		if !ok {
			return 0, ReasonAmountSyntax
		}
		b = joined
	}
	v, reason := digitsToFen(b)
	if reason != nil {
		return 0, reason
	}
	if negative {
		v = -v
	}
	return v, nil
}

// plainFen is the path nearly every cell takes: [-]digits[.d[d]], at most 15 digits.
func plainFen(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 16 || b[0] == '.' {
		return 0, false
	}
	var v int64
	i := 0
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		v = v*10 + int64(c)
	}
	switch rest := b[i:]; {
	case len(rest) == 0 && i <= 13:
		v *= 100
	case len(rest) == 2 && rest[0] == '.' && rest[1]-'0' <= 9:
		v = v*100 + int64(rest[1]-'0')*10
	case len(rest) == 3 && rest[0] == '.' && rest[1]-'0' <= 9 && rest[2]-'0' <= 9:
		v = v*100 + int64(rest[1]-'0')*10 + int64(rest[2]-'0')
	default:
		return 0, false
	}
	if v > maxFen {
		return 0, false
	}
	if negative {
		v = -v
	}
	return v, true
}

// stripSign takes off sign, accounting parentheses and currency marks.
func stripSign(b []byte) (rest []byte, negative bool) {
	if open, shut := bracket(b); open > 0 {
		b, negative = trimBlank(b[open:len(b)-shut]), true
	}
	b, minus := cutSign(b)
	for _, mark := range [...]string{"¥", "￥", "CNY", "RMB"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			b = trimBlank(b[len(mark):])
			break
		}
	}
	b = trimBlank(bytes.TrimSuffix(b, []byte("元")))
	if !minus {
		b, minus = cutSign(b)
	}
	return b, negative != minus
}

func cutSign(b []byte) ([]byte, bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return trimBlank(b[1:]), b[0] == '-'
	}
	return b, false
}

// bracket gives the byte lengths of an enclosing pair of parentheses, ASCII or full width.
func bracket(b []byte) (open, shut int) {
	if len(b) >= 2 && b[0] == '(' && b[len(b)-1] == ')' {
		return 1, 1
	}
	if bytes.HasPrefix(b, []byte("（")) && bytes.HasSuffix(b, []byte("）")) {
		return len("（"), len("）")
	}
	return 0, 0
}

// joinThousands removes separators that stand where separators belong, so that a misplaced comma
// is an error and not a different amount.
func joinThousands(b []byte) ([]byte, bool) {
	whole, fraction, _ := bytes.Cut(b, []byte{'.'})
	groups := bytes.Split(whole, []byte{','})
	if bytes.IndexByte(fraction, ',') >= 0 || len(groups[0]) < 1 || len(groups[0]) > 3 {
		return nil, false
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return nil, false
		}
	}
	out := bytes.Join(groups, nil)
	return append(out, b[len(whole):]...), true
}

// digitsToFen reads digits[.digits] strictly and says which rule a bad value breaks.
func digitsToFen(b []byte) (int64, *fault.Reason) {
	whole, fraction, pointed := bytes.Cut(b, []byte{'.'})
	if !allDigits(whole) || !allDigits(fraction) || len(whole)+len(fraction) == 0 || pointed && len(fraction) == 0 {
		return 0, ReasonAmountSyntax
	}
	if len(fraction) > 2 {
		return 0, ReasonAmountDecimals
	}
	whole = bytes.TrimLeft(whole, "0")
	if len(whole) > 14 {
		return 0, ReasonAmountRange
	}
	var v int64
	for _, c := range whole {
		v = v*10 + int64(c-'0')
	}
	for i := range 2 {
		v *= 10
		if i < len(fraction) {
			v += int64(fraction[i] - '0')
		}
	}
	if v > maxFen {
		return 0, ReasonAmountRange
	}
	return v, nil
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// The span of dates an invoice may carry; outside it the value is more likely a wrong column.
const (
	firstYear = 1990
	lastYear  = 2099
)

// parseDay reads 2017-07-18, 2017/7/18, 2017.7.18, 2017年7月18日, 20170718, each with or without a
// time of day, and the day numbers of Excel.
func parseDay(b []byte, date1904 bool) (calendar.Date, *fault.Reason) {
	b = trimBlank(b)
	if len(b) == 0 {
		return calendar.Date{}, ReasonCellEmpty
	}
	year, rest := leadingNumber(b)
	switch length := len(b) - len(rest); {
	case length == 8 && timeOfDay(rest):
		return civilDay(year/10000, year/100%100, year%100)
	case length == 4 && len(rest) > 0:
		return separatedDay(year, rest)
	case length == 5 && (len(rest) == 0 || rest[0] == '.' && allDigits(rest[1:])):
		return serialDay(year, date1904)
	}
	return calendar.Date{}, ReasonDateSyntax
}

// separatedDay reads what follows the year: a separator, month, the same separator, day, time.
func separatedDay(year int, rest []byte) (calendar.Date, *fault.Reason) {
	first, rest := cutSeparator(rest)
	month, after := leadingNumber(rest)
	if first == 0 || len(after) == len(rest) || len(rest)-len(after) > 2 {
		return calendar.Date{}, ReasonDateSyntax
	}
	second, rest := cutSeparator(after)
	day, after := leadingNumber(rest)
	if len(after) == len(rest) || len(rest)-len(after) > 2 {
		return calendar.Date{}, ReasonDateSyntax
	}
	if first == 'y' {
		if second != 'm' {
			return calendar.Date{}, ReasonDateSyntax
		}
		after = bytes.TrimPrefix(after, []byte("日"))
	} else if second != first {
		return calendar.Date{}, ReasonDateSyntax
	}
	if !timeOfDay(after) {
		return calendar.Date{}, ReasonDateSyntax
	}
	return civilDay(year, month, day)
}

// cutSeparator returns '/', '-', '.', or 'y' for 年 and 'm' for 月; zero when there is none.
func cutSeparator(b []byte) (byte, []byte) {
	switch {
	case len(b) == 0:
		return 0, b
	case b[0] == '/' || b[0] == '-' || b[0] == '.':
		return b[0], b[1:]
	case bytes.HasPrefix(b, []byte("年")):
		return 'y', b[len("年"):]
	case bytes.HasPrefix(b, []byte("月")):
		return 'm', b[len("月"):]
	}
	return 0, b
}

// leadingNumber reads at most eight digits.
func leadingNumber(b []byte) (int, []byte) {
	n, i := 0, 0
	for i < len(b) && i < 8 && b[i]-'0' <= 9 {
		n = n*10 + int(b[i]-'0')
		i++
	}
	return n, b[i:]
}

// timeOfDay accepts nothing, or a blank or T and a clock time, which the date does without.
func timeOfDay(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if b[0] != ' ' && b[0] != 'T' || len(b) > 32 {
		return false
	}
	for _, c := range b[1:] {
		if c-'0' > 9 && strings.IndexByte(":.+-Z ", c) < 0 {
			return false
		}
	}
	return true
}

func civilDay(year, month, day int) (calendar.Date, *fault.Reason) {
	if month < 1 || month > 12 || day < 1 || day > calendar.DaysInMonth(year, time.Month(month)) {
		return calendar.Date{}, ReasonDateSyntax
	}
	if year < firstYear || year > lastYear {
		return calendar.Date{}, ReasonDateRange
	}
	return calendar.Of(year, time.Month(month), day), nil
}

// Excel counts days from 1899-12-30 (or 1904-01-01 in workbooks that came from old Macs).
const (
	serialEpoch1900 = -25569 // days from 1970-01-01
	serialEpoch1904 = -24107
)

func serialDay(serial int, date1904 bool) (calendar.Date, *fault.Reason) {
	epoch := serialEpoch1900
	if date1904 {
		epoch = serialEpoch1904
	}
	d := calendar.FromDays(int32(serial + epoch))
	if y := d.Year(); y < firstYear || y > lastYear {
		return calendar.Date{}, ReasonDateRange
	}
	return d, nil
}

// trimBlank trims ASCII blanks and the no-break and ideographic spaces that spreadsheets carry.
func trimBlank(b []byte) []byte {
	for len(b) > 0 {
		if c := b[0]; c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			b = b[1:]
		} else if c < utf8.RuneSelf {
			break
		} else if r, n := utf8.DecodeRune(b); r == 0xA0 || r == 0x3000 || r == 0xFEFF {
			b = b[n:]
		} else {
			break
		}
	}
	for len(b) > 0 {
		if c := b[len(b)-1]; c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			b = b[:len(b)-1]
		} else if c < utf8.RuneSelf {
			break
		} else if r, n := utf8.DecodeLastRune(b); r == 0xA0 || r == 0x3000 || r == 0xFEFF {
			b = b[:len(b)-n]
		} else {
			break
		}
	}
	return b
}
