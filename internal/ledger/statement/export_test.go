package statement

import (
	"context"
	"io"
	"net/url"

	"github.com/capillary-finance/capillary/internal/platform/auth"
)

// WriteFor writes a report to w, for tests.
func WriteFor(ctx context.Context, s *Service, p auth.Principal, w io.Writer, report, format, account string) error {
	out, err := s.sheetOf(ctx, p, url.Values{"report": {report}, "account": {account}}, "zh")
	if err != nil {
		return err
	}
	if format == "csv" {
		return out.writeCSV(w)
	}
	return out.writeXLSX(w)
}
