package assess

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// kind is a role that a file plays, with the words in its name that give it away.
type kind struct {
	zh, en, flag string
	words        []string
	formats      []string
}

var (
	tableFormats = []string{".csv", ".csv.gz", ".xlsx"}
	firmKind     = kind{"企业信息文件", "firm file", "--firms", []string{"企业信息", "firms", "companies"}, tableFormats}
	purchaseKind = kind{"进项发票文件", "purchase invoice file", "--purchases", []string{"进项", "purchase"}, tableFormats}
	saleKind     = kind{"销项发票文件", "sale invoice file", "--sales", []string{"销项", "sale"}, tableFormats}
	curveKind    = kind{"利率与流失率表", "table of rates and churn", "--churn", []string{"流失率", "churn"}, []string{".csv"}}
)

// inputs are the files of one run.
type inputs struct {
	firms, curve     string
	purchases, sales []string
}

func (in *inputs) invoices() []string {
	return append(append([]string{}, in.purchases...), in.sales...)
}

// findInputs takes the files that were named and looks for the others in the folder. Several
// invoice files of one direction are all read; the others must be one each.
func findInputs(o *Options) (inputs, error) {
	in := inputs{firms: o.FirmFile, curve: o.CurveFile, purchases: o.Purchases, sales: o.Sales}
	var names []string
	if in.firms == "" || in.curve == "" || len(in.purchases) == 0 || len(in.sales) == 0 {
		entries, err := os.ReadDir(o.Dir)
		if err != nil {
			return in, fault.New(ReasonFolder, "dir", o.Dir, "problem", plainError(err)).Wrap(err)
		}
		for _, e := range entries {
			if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "~$") {
				names = append(names, e.Name())
			}
		}
	}
	var bad []error
	one := func(k kind, path *string) {
		if *path == "" {
			found, err := k.only(o.Dir, names)
			*path = found
			bad = append(bad, err)
		}
	}
	several := func(k kind, paths *[]string) {
		if len(*paths) == 0 {
			if *paths = k.matches(o.Dir, names); len(*paths) == 0 {
				bad = append(bad, k.missing(o.Dir))
			}
		}
	}
	one(firmKind, &in.firms)
	several(purchaseKind, &in.purchases)
	several(saleKind, &in.sales)
	one(curveKind, &in.curve)
	return in, fault.Join(bad...)
}

func (k kind) matches(dir string, names []string) []string {
	var out []string
	for _, n := range names {
		if k.named(strings.ToLower(n)) {
			out = append(out, filepath.Join(dir, n))
		}
	}
	return out
}

func (k kind) named(lower string) bool {
	format, word := false, false
	for _, f := range k.formats {
		format = format || strings.HasSuffix(lower, f)
	}
	for _, w := range k.words {
		word = word || strings.Contains(lower, w)
	}
	return format && word
}

func (k kind) only(dir string, names []string) (string, error) {
	switch found := k.matches(dir, names); len(found) {
	case 0:
		return "", k.missing(dir)
	case 1:
		return found[0], nil
	default:
		return "", fault.New(ReasonFileAmbiguous, "what", k.en, "what_zh", k.zh, "files", strings.Join(found, ", "), "flag", k.flag)
	}
}

func (k kind) missing(dir string) error {
	return fault.New(ReasonFileMissing, "dir", dir, "what", k.en, "what_zh", k.zh, "pattern", strings.Join(k.words, " / "), "flag", k.flag)
}

// plainError takes the path off an error, since the sentence around it names the file.
func plainError(err error) string {
	s := err.Error()
	if i := strings.LastIndex(s, ": "); i >= 0 {
		return s[i+2:]
	}
	return s
}
