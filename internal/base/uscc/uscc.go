// Package uscc checks the identity codes of firms and people: the unified
// social credit code (GB 32100-2015), the organisation code inside it (GB
// 11714), the resident identity number (GB 11643-1999) and the LEI (ISO 17442).
package uscc

import (
	"errors"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// What a code can fail on; a caller shows which.
var (
	ErrLength   = errors.New("code has the wrong number of characters")
	ErrAlphabet = errors.New("code has a character outside its alphabet")
	ErrCheck    = errors.New("check digit does not match")
	ErrBirth    = errors.New("birth date does not exist")
)

const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

var (
	weights    = [17]int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28}
	orgWeights = [8]int{3, 7, 9, 10, 5, 8, 4, 2}
	idWeights  = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
)

// Code is the parsed unified social credit code.
type Code struct {
	Full       string
	Department byte   // registration department: 9 is market regulation
	Type       byte   // kind of organisation within the department
	Division   string // six digits of GB/T 2260
	Org        string // nine characters, organisation code
	// OrgCheckOK says whether the inner check digit holds. A failure is a
	// warning: codes in use break it.
	OrgCheckOK bool
}

// Normalise trims blanks and upper-cases a code as people type it.
func Normalise(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// Parse checks length, alphabet and the outer check digit.
func Parse(s string) (Code, error) {
	if len(s) != 18 {
		return Code{}, ErrLength
	}
	want, err := CheckDigit(s[:17])
	if err != nil {
		return Code{}, err
	}
	if strings.IndexByte(alphabet, s[17]) < 0 {
		return Code{}, ErrAlphabet
	}
	if s[17] != want {
		return Code{}, ErrCheck
	}
	for i := 2; i < 8; i++ {
		if s[i] < '0' || s[i] > '9' {
			return Code{}, ErrAlphabet
		}
	}
	return Code{
		Full: s, Department: s[0], Type: s[1], Division: s[2:8], Org: s[8:17],
		OrgCheckOK: CheckOrg(s[8:17]) == nil,
	}, nil
}

// Check reports whether the text is a valid code.
func Check(s string) error {
	_, err := Parse(s)
	return err
}

// CheckDigit computes the eighteenth character of the first seventeen.
func CheckDigit(body string) (byte, error) {
	if len(body) != 17 {
		return 0, ErrLength
	}
	sum := 0
	for i := range len(body) {
		v := strings.IndexByte(alphabet, body[i])
		if v < 0 {
			return 0, ErrAlphabet
		}
		sum += v * weights[i]
	}
	return alphabet[(31-sum%31)%31], nil
}

// Make builds a code with right check digits; generators of demonstration data
// use it. serial is the eight leading characters of the organisation code.
func Make(department, kind byte, division, serial string) (string, error) {
	check, err := orgDigit(serial)
	if err != nil {
		return "", err
	}
	body := string(department) + string(kind) + division + serial + string(check)
	last, err := CheckDigit(body)
	if err != nil {
		return "", err
	}
	return body + string(last), nil
}

// CheckOrg checks a nine-character organisation code, with or without the
// hyphen before its check digit.
func CheckOrg(s string) error {
	if len(s) == 10 && s[8] == '-' {
		s = s[:8] + s[9:]
	}
	if len(s) != 9 {
		return ErrLength
	}
	want, err := orgDigit(s[:8])
	if err != nil {
		return err
	}
	if s[8] != want {
		return ErrCheck
	}
	return nil
}

func orgDigit(body string) (byte, error) {
	if len(body) != 8 {
		return 0, ErrLength
	}
	sum := 0
	for i := range len(body) {
		v := alphanumeric(body[i])
		if v < 0 {
			return 0, ErrAlphabet
		}
		sum += v * orgWeights[i]
	}
	switch d := 11 - sum%11; d {
	case 10:
		return 'X', nil
	case 11:
		return '0', nil
	default:
		return byte('0' + d), nil
	}
}

// alphanumeric reads 0-9 as 0-9 and A-Z as 10-35, others as -1.
func alphanumeric(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// Resident is what a resident identity number says.
type Resident struct {
	Division string // code at first registration; abolished codes stay valid
	Birth    calendar.Date
	Female   bool
}

// ParseResident checks an eighteen-character resident identity number.
func ParseResident(s string) (Resident, error) {
	if len(s) != 18 {
		return Resident{}, ErrLength
	}
	sum := 0
	for i := range 17 {
		if s[i] < '0' || s[i] > '9' {
			return Resident{}, ErrAlphabet
		}
		sum += int(s[i]-'0') * idWeights[i]
	}
	if s[17] != 'X' && (s[17] < '0' || s[17] > '9') {
		return Resident{}, ErrAlphabet
	}
	if "10X98765432"[sum%11] != s[17] {
		return Resident{}, ErrCheck
	}
	birth, err := calendar.Parse(s[6:10] + "-" + s[10:12] + "-" + s[12:14])
	if err != nil {
		return Resident{}, ErrBirth
	}
	return Resident{Division: s[:6], Birth: birth, Female: (s[16]-'0')%2 == 0}, nil
}

// CheckResident reports whether the text is a valid resident identity number.
func CheckResident(s string) error {
	_, err := ParseResident(s)
	return err
}

// CheckLEI checks a legal entity identifier (ISO 7064 MOD 97-10).
func CheckLEI(s string) error {
	if len(s) != 20 {
		return ErrLength
	}
	if s[18] < '0' || s[18] > '9' || s[19] < '0' || s[19] > '9' {
		return ErrAlphabet
	}
	rest := 0
	for i := range len(s) {
		v := alphanumeric(s[i])
		switch {
		case v < 0:
			return ErrAlphabet
		case v < 10:
			rest = (rest*10 + v) % 97
		default:
			rest = (rest*100 + v) % 97
		}
	}
	if rest != 1 {
		return ErrCheck
	}
	return nil
}
