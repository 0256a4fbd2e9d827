package model

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// drawn makes a trained and validated model on firms drawn from a seed.
func drawn(t *testing.T) Detail {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 4)) //nolint:gosec // test data
	samples := make([]scorecard.Sample, 240)
	for i := range samples {
		v := feature.Vector{AsOf: calendar.MustParse("2026-01-05"), Version: feature.Version, Months: 24, Invoices: 300, Values: make([]float64, len(feature.Definitions()))}
		for k := range v.Values {
			v.Values[k] = r.NormFloat64()
		}
		_, sales, _ := feature.Lookup("sales_net_12m")
		_, void, _ := feature.Lookup("sales_void_rate_12m")
		z := -1.5*v.Values[sales] + v.Values[void] - 1.3
		v.Values[sales] = math.Round(1e8 * math.Exp(v.Values[sales]))
		samples[i] = scorecard.Sample{ID: "frm_" + string(rune('a'+i%26)), Vector: v, Bad: r.Float64() < 1/(1+math.Exp(-z))}
	}
	o := scorecard.DefaultOptions()
	o.Repeats = 3
	card, err := scorecard.Train(samples, o)
	require.NoError(t, err)
	v, err := scorecard.CrossValidate(samples, o)
	require.NoError(t, err)
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	m := Model{ID: "mdl_test", Name: `shops <script>alert("x")</script>`, State: Validated, AsOf: calendar.MustParse("2026-01-05"), FeatureVersion: feature.Version,
		Sample:    SampleDefinition{RuleZh: "规则", RuleEn: "rule", Skipped: []Skipped{{FirmID: "frm_x", Zh: "无授权", En: "no consent"}}},
		Scorecard: card.Calibrated(v, samples), Validation: &v, TrainedAt: at, TrainedBy: "usr_risk", ValidatedAt: &at}
	var points []int
	for _, s := range samples {
		points = append(points, m.Scorecard.Score(s.Vector).Points)
	}
	return detail(m, points)
}

func TestReportIsWellFormedInBothLanguages(t *testing.T) {
	t.Parallel()
	d := drawn(t)
	require.Equal(t, "stable", d.StabilityEn)
	for lang, wants := range map[string][]string{
		"zh": {"评分模型验证报告", "ROC 曲线", "近12月销售净额", "无授权", "越高越安全", "稳定"},
		"en": {"Scoring model validation report", "ROC curve", "Net sales, last 12 months", "no consent", "higher is safer", "stable"},
	} {
		text, err := Report(d, lang)
		require.NoError(t, err)
		page := string(text)
		for _, want := range wants {
			require.Contains(t, page, want, lang)
		}
		require.Equal(t, 5, strings.Count(page, "<svg "), lang)
		require.NotContains(t, page, "<script>")
		require.NotContains(t, page, "NaN")
		require.NotContains(t, page, "ZgotmplZ")
		require.NotContains(t, page, "http://")
		start := strings.Index(page, "<body>")
		require.NoError(t, wellFormed(page[start:strings.Index(page, "</html>")]))
		if dir := os.Getenv("CAPILLARY_KEEP_REPORTS"); dir != "" {
			require.NoError(t, os.WriteFile(dir+"/report-"+lang+".html", text, 0o600))
		}
	}
}

// wellFormed reads the page as XML, void elements aside.
func wellFormed(page string) error {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func TestAnUnvalidatedModelHasAReportThatSaysSo(t *testing.T) {
	t.Parallel()
	m := drawn(t).Model
	m.Validation, m.State = nil, Draft
	text, err := Report(detail(m, nil), "en")
	require.NoError(t, err)
	require.Contains(t, string(text), "has not been validated")
	require.NotContains(t, string(text), "<svg ")
}

func TestStatesAreWalkedInOrder(t *testing.T) {
	t.Parallel()
	order := []State{Draft, Validated, Approved, Active, Retired}
	for i, from := range order {
		for j, to := range order {
			m := Model{ID: "m", State: from}
			err := m.advance(to)
			if j == i+1 || to == Retired && from != Retired {
				require.NoError(t, err, "%s to %s", from, to)
				require.Equal(t, to, m.State)
				continue
			}
			require.Error(t, err, "%s to %s", from, to)
			require.Equal(t, from, m.State)
		}
	}
}

func TestTheTrainerMayNotApprove(t *testing.T) {
	t.Parallel()
	m := Model{ID: "m", State: Validated, TrainedBy: "usr_a"}
	require.True(t, fault.Is(m.approve("usr_a", "fine", time.Now()), ReasonSamePerson))
	require.Equal(t, Validated, m.State)
	require.NoError(t, m.approve("usr_b", "fine", time.Now()))
	require.Equal(t, Approved, m.State)
	require.Equal(t, "usr_b", m.ApprovedBy)
}

func TestAFirmIsProfiledNoLaterThanItsLabel(t *testing.T) {
	t.Parallel()
	asOf := calendar.MustParse("2026-01-05")
	for _, c := range []struct{ on, want string }{{"", "2026-01-05"}, {"2026-03-01", "2026-01-05"}, {"2026-01-05", "2026-01-05"}, {"2025-06-30", "2025-06-30"}} {
		f := labelledFirm{ID: "f", Label: LabelBad}
		if c.on != "" {
			f.On = calendar.MustParse(c.on)
		}
		require.Equal(t, c.want, f.day(asOf).String())
	}
}
