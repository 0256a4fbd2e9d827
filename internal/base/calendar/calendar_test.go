package calendar_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"1970-01-01", "2024-02-29", "0001-01-01", "9999-12-31"} {
		d, err := calendar.Parse(good)
		require.NoError(t, err, good)
		require.Equal(t, good, d.String())
	}
	for _, bad := range []string{"", "2023-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "2026/01/01", "0000-01-01", "2026-04-31", "20a6-01-01"} {
		_, err := calendar.Parse(bad)
		require.ErrorIs(t, err, calendar.ErrSyntax, bad)
	}
}

func TestZeroIsNoDate(t *testing.T) {
	t.Parallel()
	var d calendar.Date
	require.True(t, d.IsZero())
	require.Empty(t, d.String())
	require.False(t, calendar.MustParse("1970-01-01").IsZero())
	v, err := d.Value()
	require.NoError(t, err)
	require.Nil(t, v)
	require.True(t, d.Before(calendar.MustParse("0001-01-01")))
}

func TestScan(t *testing.T) {
	t.Parallel()
	want := calendar.MustParse("2026-05-20")
	for _, src := range []any{"2026-05-20", []byte("2026-05-20"), time.Date(2026, 5, 20, 23, 0, 0, 0, time.UTC)} {
		var d calendar.Date
		require.NoError(t, d.Scan(src))
		require.Equal(t, want, d)
	}
	var d calendar.Date
	require.NoError(t, d.Scan(nil))
	require.True(t, d.IsZero())
	require.Error(t, d.Scan(12))
	b, err := json.Marshal(map[string]calendar.Date{"d": want})
	require.NoError(t, err)
	require.JSONEq(t, `{"d":"2026-05-20"}`, string(b))
}

func TestAddMonths(t *testing.T) {
	t.Parallel()
	rows := []struct {
		from string
		n    int
		rule calendar.MonthEnd
		want string
	}{
		{"2026-01-31", 1, calendar.Clamp, "2026-02-28"},
		{"2026-01-31", 1, calendar.Roll, "2026-03-03"},
		{"2026-02-28", 1, calendar.Stick, "2026-03-31"},
		{"2026-02-28", 1, calendar.Clamp, "2026-03-28"},
		{"2024-01-31", 1, calendar.Clamp, "2024-02-29"},
		{"2026-03-31", -1, calendar.Clamp, "2026-02-28"},
		{"2026-12-15", 1, calendar.Clamp, "2027-01-15"},
		{"2026-01-15", -13, calendar.Clamp, "2024-12-15"},
		{"2026-04-30", 1, calendar.Stick, "2026-05-31"},
	}
	for _, r := range rows {
		require.Equal(t, r.want, calendar.MustParse(r.from).AddMonths(r.n, r.rule).String(), "%s+%d", r.from, r.n)
	}
}

func TestAgreesWithTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.Int32Range(-719162, 2932896).Draw(t, "days")
		d := calendar.FromDays(days)
		std := time.Date(1970, 1, 1+int(days), 0, 0, 0, 0, time.UTC)
		require.Equal(t, std.Format(time.DateOnly), d.String())
		require.Equal(t, std.Weekday(), d.Weekday())
		back, err := calendar.Parse(d.String())
		require.NoError(t, err)
		require.Equal(t, d, back)
		n := rapid.IntRange(-5000, 5000).Draw(t, "n")
		require.Equal(t, n, d.AddDays(n).Sub(d))
		require.Equal(t, d.MonthStart(), calendar.Of(d.Year(), d.Month(), 1))
	})
}

func TestFromTimeUsesTheWallClock(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("CST", 8*3600)
	at := time.Date(2026, 5, 20, 17, 0, 0, 0, time.UTC)
	require.Equal(t, "2026-05-21", calendar.FromTime(at, shanghai).String())
	require.Equal(t, "2026-05-20", calendar.FromTime(at, time.UTC).String())
}

func TestChina(t *testing.T) {
	t.Parallel()
	cn := calendar.China()
	rows := map[string]bool{
		"2026-01-01": false, // New Year
		"2026-02-17": false, // Spring Festival
		"2026-02-14": true,  // make-up Saturday
		"2026-10-01": false,
		"2026-10-10": true,  // make-up Saturday
		"2026-05-09": true,  // make-up Saturday
		"2026-05-16": false, // plain Saturday
		"2026-05-20": true,
		"2020-01-31": false, // the extended holiday of 2020
	}
	for text, want := range rows {
		require.Equal(t, want, cn.IsBusinessDay(calendar.MustParse(text)), text)
	}
	require.Equal(t, "2026-10-08", cn.Adjust(calendar.MustParse("2026-10-01"), calendar.Following).String())
	require.Equal(t, "2026-09-30", cn.Adjust(calendar.MustParse("2026-10-01"), calendar.Preceding).String())
	require.Equal(t, "2026-05-29", cn.Adjust(calendar.MustParse("2026-05-31"), calendar.ModifiedFollowing).String())
	require.True(t, cn.Known(calendar.MustParse("2026-12-31")))
	require.False(t, cn.Known(calendar.MustParse("2031-01-01")))
	require.Equal(t, "春节", cn.Name(calendar.MustParse("2026-02-17")))
}

// The dates on which the LPR was published are the first business days on or
// after the 20th; they check the holiday data from an independent side.
func TestChinaAgainstLPRDates(t *testing.T) {
	t.Parallel()
	for _, published := range []string{"2019-10-21", "2020-06-22", "2021-02-20", "2021-03-22", "2021-09-22", "2022-08-22", "2024-02-20", "2024-10-21"} {
		d := calendar.MustParse(published)
		twentieth := calendar.Of(d.Year(), d.Month(), 20)
		require.Equal(t, published, calendar.China().Adjust(twentieth, calendar.Following).String())
	}
}

func TestChinaAgainstSharedData(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../../../shared/data/holiday_cn/2*.json")
	if len(files) == 0 {
		t.Skip("shared holiday data is absent; the embedded copy is checked by TestChina")
	}
	n := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var doc struct {
			Days []struct {
				Name  string        `json:"name"`
				Date  calendar.Date `json:"date"`
				IsOff bool          `json:"isOffDay"`
			} `json:"days"`
		}
		require.NoError(t, json.Unmarshal(b, &doc))
		for _, day := range doc.Days {
			n++
			require.Equal(t, !day.IsOff, calendar.China().IsBusinessDay(day.Date), day.Date)
			require.Equal(t, day.Name, calendar.China().Name(day.Date), day.Date)
		}
	}
	require.Greater(t, n, 500)
}

func TestParseBusinessRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"h\n2026-01-01,maybe,x", "h\n2026-01-01", "h\n2026-99-01,off,x", "h\n2026-01-01,off,x\n2026-01-01,work,x"} {
		_, err := calendar.ParseBusiness(bad)
		require.Error(t, err, bad)
	}
}

func TestAdjustProperties(t *testing.T) {
	t.Parallel()
	cn := calendar.China()
	rapid.Check(t, func(t *rapid.T) {
		d := calendar.MustParse("2007-01-01").AddDays(rapid.IntRange(0, 7300).Draw(t, "day"))
		f, p := cn.Adjust(d, calendar.Following), cn.Adjust(d, calendar.Preceding)
		m := cn.Adjust(d, calendar.ModifiedFollowing)
		require.True(t, cn.IsBusinessDay(f) && cn.IsBusinessDay(p) && cn.IsBusinessDay(m))
		require.False(t, f.Before(d) || p.After(d))
		require.Equal(t, d.Month(), m.Month())
		require.Equal(t, 0, cn.Between(d, f))
	})
}
