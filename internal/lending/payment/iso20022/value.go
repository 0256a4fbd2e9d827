package iso20022

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Lengths of the schema's text types.
const (
	max34  = 34
	max35  = 35
	max140 = 140
	max500 = 500
)

// need is a text of bounded length that must be there.
func need(n *node, path string, most int, names ...string) (string, *Error) {
	at := path + "/" + strings.Join(names, "/")
	f := n.at(names...)
	if f == nil || f.text == "" {
		line := 0
		if n != nil {
			line = n.line
		}
		return "", &Error{Line: line, Path: at, Zh: "必填", En: "is required"}
	}
	return short(f, at, most)
}

// maybe is a text of bounded length that may be missing.
func maybe(n *node, path string, most int, names ...string) (string, *Error) {
	f := n.at(names...)
	if f == nil {
		return "", nil
	}
	return short(f, path+"/"+strings.Join(names, "/"), most)
}

func short(f *node, at string, most int) (string, *Error) {
	if utf8.RuneCountInString(f.text) > most {
		return "", &Error{Line: f.line, Path: at, Zh: "文字过长", En: "is too long"}
	}
	return f.text, nil
}

// amount reads an amount with its currency into minor units. The schema knows
// no sign: the direction stands in CdtDbtInd.
func amount(f *node, at string) (money.Amount, *Error) {
	if f == nil {
		return money.Amount{}, &Error{Path: at, Zh: "缺少金额", En: "the amount is missing"}
	}
	c := money.Currency(f.currency)
	decimals, known := c.Decimals()
	if !known {
		return money.Amount{}, &Error{Line: f.line, Path: at, Zh: "币种 “" + f.currency + "” 未知", En: "currency “" + f.currency + "” is not known"}
	}
	minor, err := plainMinor(f.text, decimals)
	if err != nil {
		return money.Amount{}, &Error{Line: f.line, Path: at, Zh: "金额 “" + f.text + "” 须为该币种小数位内的无符号十进制数", En: "amount “" + f.text + "” must be an unsigned decimal within the currency's decimals"}
	}
	return money.Of(minor, c), nil
}

// plainMinor is ParseMinor without a sign.
func plainMinor(s string, decimals int) (int64, error) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, money.ErrSyntax
	}
	return money.ParseMinor(s, decimals)
}

// credit reads CdtDbtInd.
func credit(n *node, path string) (bool, *Error) {
	switch n.str("CdtDbtInd") {
	case "CRDT":
		return true, nil
	case "DBIT":
		return false, nil
	default:
		return false, &Error{Line: n.line, Path: path + "/CdtDbtInd", Zh: "须为 CRDT 或 DBIT", En: "must be CRDT or DBIT"}
	}
}

// date reads a choice of Dt and DtTm; a missing one is the empty date.
func date(n *node, path, name string) (calendar.Date, *Error) {
	f := n.at(name)
	if f == nil {
		return calendar.Date{}, nil
	}
	text := f.str("Dt")
	if text == "" {
		text = f.str("DtTm")
	}
	if text == "" {
		text = f.text // the older messages have plain dates in places
	}
	d, err := calendar.Parse(text[:min(len(text), len("2006-01-02"))])
	if err != nil || !dateTail(text[len("2006-01-02"):]) {
		return d, &Error{Line: f.line, Path: path + "/" + name, Zh: "日期 “" + text + "” 不存在或写法不对，须为 YYYY-MM-DD", En: "date “" + text + "” does not exist or is not YYYY-MM-DD"}
	}
	return d, nil
}

// dateTail accepts what xs:date and xs:dateTime allow after the day.
func dateTail(rest string) bool {
	if rest == "" || rest == "Z" {
		return true
	}
	for _, layout := range []string{"Z07:00", "T15:04:05", "T15:04:05Z07:00"} {
		if _, err := time.Parse(layout, rest); err == nil { // fractions of a second are accepted by Parse
			return true
		}
	}
	return false
}

// account is IBAN or the bank's own number.
func account(n *node) string {
	if iban := n.str("Id", "IBAN"); iban != "" {
		return iban
	}
	return n.str("Id", "Othr", "Id")
}

// party is the name of a party: Nm of the older messages, Pty/Nm of the newer.
func party(n *node) string {
	if name := n.str("Pty", "Nm"); name != "" {
		return name
	}
	return n.str("Nm")
}
