package source

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// FuzzDecode holds what must be true of any bytes whatever: no panic, no row lost from the
// counts, every error a fault, every accepted row within its bounds.
func FuzzDecode(f *testing.F) {
	row := "E1,1,2017/7/18,A1,1,1,2,有效发票\n"
	for _, seed := range []string{
		"", head, head + row, "\xef\xbb\xbf" + head + row, head + "\"E1\",\"1\n\",2017/7/18,A1,\"1,000.00\",1,2, 作废发票\r\n" + row,
		head + "\"open\n" + row, "\xff\xfe" + head, "\xc6\xf3\xd2\xb5\xb4\xfa\xba\xc5,1\n", "PK\x03\x04", "\x1f\x8b\x08", gzipped(f, []byte(head+row)),
		workbook(f, strings.TrimSpace(head+row)), head + "E1,1,42934.5,A1,(1),-¥1,0元,valid\n", strings.ReplaceAll(head+row, ",", "\t"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rows := int64(0)
		report, err := Decode(context.Background(), bytes.NewReader(b), Options{MaxBytes: 1 << 20, MaxRecord: 4096, MaxErrors: 5}, func(r Row) error {
			rows++
			if r.Firm == "" || r.Number == "" || r.Counterparty == "" || r.Date.IsZero() || r.Direction == 0 || r.Line < 2 {
				t.Fatalf("row lacks a part: %+v", r)
			}
			for _, v := range []int64{r.NetMinor, r.TaxMinor, r.GrossMinor} {
				if v > maxFen || v < -maxFen {
					t.Fatalf("amount out of range: %+v", r)
				}
			}
			return nil
		})
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("not a fault: %v", err)
			}
		}
		if report.Accepted != rows || report.Rows != report.Accepted+report.Rejected || len(report.Errors) > 5 {
			t.Fatalf("counts do not add up: %+v", report)
		}
	})
}

// FuzzDecodeFirms does the same for firm files.
func FuzzDecodeFirms(f *testing.F) {
	f.Add([]byte("企业代号,企业名称,信誉评级,是否违约\nE1,甲,A,否\nE1,乙,B,是\n"))
	f.Add([]byte("code,name\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows := int64(0)
		report, err := DecodeFirms(context.Background(), bytes.NewReader(b), Options{MaxBytes: 1 << 20, MaxRecord: 4096, MaxErrors: 5}, func(FirmRow) error { rows++; return nil })
		if err != nil {
			if _, ok := fault.As(err); !ok {
				t.Fatalf("not a fault: %v", err)
			}
		}
		if report.Accepted != rows || report.Rows != report.Accepted+report.Rejected {
			t.Fatalf("counts do not add up: %+v", report)
		}
	})
}

// FuzzAmount compares the fast path with the strict one: they must never disagree.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"1", "-1.5", "1.23", "0", "-0", "12345678901234.56", "1.234", ".5", "5."} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fast, ok := plainFen(b)
		if !ok {
			return
		}
		rest, negative := bytes.CutPrefix(b, []byte("-"))
		slow, reason := digitsToFen(rest)
		if negative {
			slow = -slow
		}
		if reason != nil || fast != slow {
			t.Fatalf("%q: fast %d, strict %d %v", b, fast, slow, reason)
		}
	})
}
