package selftest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/selftest"
)

// told writes a trace of a loan and runs it.
func told(t *testing.T, product, sequence string, loan map[string]string) selftest.Outcome {
	t.Helper()
	l := map[string]string{
		"LoanProduct": product, "submitted on date": "2023-10-01", "with Principal": "1000", "ANNUAL interest rate %": "0", "interest type": "FLAT",
		"interest calculation period": "SAME_AS_REPAYMENT_PERIOD", "amortization type": "EQUAL_INSTALLMENTS", "repaymentEvery": "15", "repaymentFrequencyType": "DAYS",
		"numberOfRepayments": "4", "Payment strategy": "PENALTIES_FEES_INTEREST_PRINCIPAL_ORDER",
	}
	for k, v := range loan {
		l[k] = v
	}
	b, err := json.Marshal(l)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "trace.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"vectors":[{"id":"x","kind":"scenario_trace","loan":`+string(b)+`,"sequence":[`+sequence+`]}]}`), 0o600))
	report, err := selftest.File(file)
	require.NoError(t, err)
	require.Len(t, report.Outcomes, 1)
	return report.Outcomes[0]
}

func event(text string) string {
	b, err := json.Marshal(map[string]string{"event": text})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func status(text string) string {
	return `{"expect":"state","step":"Then Loan status has changed to \"` + text + `\""}`
}

var opened = []string{
	event(`When Admin sets the business date to "1 October 2023"`), event(`And Admin successfully approves the loan on "1 October 2023" with "1000" amount and expected disbursement date on "1 October 2023"`),
	status("Approved"), event(`When Admin successfully disburse the loan on "1 October 2023" with "1000" EUR transaction amount`), status("Active"),
}

func after(steps ...string) string {
	return strings.Join(append(append([]string{}, opened...), steps...), ",")
}

// A payment in advance, one in excess, and one taken back.
func TestTraceOfUndoneAndExcessPayments(t *testing.T) {
	t.Parallel()
	o := told(t, "LP1", after(
		event(`When Admin sets the business date to "10 October 2023"`), event(`And Customer makes "AUTOPAY" repayment on "10 October 2023" with 300 EUR transaction amount`),
		`{"expect":"schedule","rows":[{"due_date":"2023-10-01","balance_after":"1000"},`+
			`{"nr":"1","due_date":"2023-10-16","paid_date":"2023-10-10","due":"250","paid":"250","paid_in_advance":"250","outstanding":"0"},`+
			`{"nr":"2","due_date":"2023-10-31","due":"250","paid":"50","paid_in_advance":"50","outstanding":"200"},`+
			`{"nr":"3","due_date":"2023-11-15","due":"250","paid":"0"},{"nr":"4","due_date":"2023-11-30","due":"250","balance_after":"0"}]}`,
		event(`When Admin sets the business date to "11 October 2023"`), event(`When Customer undo "1"th "Repayment" transaction made on "10 October 2023"`),
		`{"expect":"totals","row":{"paid":"0","outstanding":"1000"}}`,
		`{"expect":"transactions","rows":[{"transaction_type":"Disbursement","reverted":"false"},{"transaction_type":"Repayment","amount":"300","reverted":"true"}]}`,
		event(`When Admin sets the business date to "5 November 2023"`),
		`{"expect":"delinquency","rows":[{"rangeid":"2","range":"RANGE_3","amount":"500"}]}`,
		`{"expect":"state","step":"Then Admin checks that delinquency range is: \"RANGE_3\" and has delinquentDate \"2023-10-16\""}`,
		event(`And Customer makes "AUTOPAY" repayment on "5 November 2023" with 1010 EUR transaction amount`),
		status("Overpaid"), `{"expect":"state","step":"Then Loan has 10 overpaid amount"}`, `{"expect":"state","step":"Then Loan has 0 outstanding amount"}`,
	), nil)
	require.True(t, o.Pass, "%+v", o)
}

// Two instalments more, then a dearer rate from a date that lies ahead.
func TestTraceOfReschedules(t *testing.T) {
	t.Parallel()
	more := `{"event":"When Admin creates and approves Loan reschedule with the following data:","data":[{"rescheduleFromDate":"16 October 2023","submittedOnDate":"1 October 2023","extraTerms":"1"}]}`
	o := told(t, "LP1", after(more,
		`{"expect":"schedule","rows":[{},{"principal":"200","due_date":"2023-10-16"},{"principal":"200"},{"principal":"200"},{"principal":"200"},{"principal":"200","due_date":"2023-12-15"}]}`), nil)
	require.True(t, o.Pass, "%+v", o)
	dearer := `{"event":"When Admin creates and approves Loan reschedule with the following data:","data":[{"rescheduleFromDate":"1 November 2023","newInterestRate":"24"}]}`
	// 1,000.00 at 12 % of 30/360 are 10.00 in October; then 2 % a month on what is left.
	o = told(t, "LP2_PROGRESSIVE_360_30", after(dearer,
		`{"expect":"schedule","rows":[{},{"nr":"1","interest":"10","due":"340.02"},{"nr":"2","interest":"13.40"},{"nr":"3","interest":"6.77","balance_after":"0"}]}`),
		map[string]string{"ANNUAL interest rate %": "12", "interest type": "DECLINING_BALANCE", "interest calculation period": "DAILY", "repaymentEvery": "1", "repaymentFrequencyType": "MONTHS", "numberOfRepayments": "3"})
	require.True(t, o.Pass, "%+v", o)
}

func TestTracesThatDifferAreMisses(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string]string{
		"figure": after(`{"expect":"totals","row":{"due":"1000.01"}}`),
		"status": after(status("Closed (obligations met)")),
		"rows":   after(`{"expect":"schedule","rows":[{}]}`),
		"late":   after(`{"expect":"delinquency","rows":[{"rangeid":"1","range":"RANGE_1","amount":"1"}]}`),
	} {
		o := told(t, "LP1", steps, nil)
		require.False(t, o.Pass, name)
		require.False(t, o.NotImplemented, name)
		require.Contains(t, o.Expected, "step 6", name)
	}
	for name, steps := range map[string]string{
		"sentence": after(event(`When Admin dances`), status("Active")), "state": after(`{"expect":"state","step":"Then the moon is full"}`),
		"kind": after(`{"expect":"weather"}`), "field": after(`{"expect":"totals","row":{"colour":"blue"}}`),
	} {
		o := told(t, "LP1", steps, nil)
		require.False(t, o.Pass, name)
		require.True(t, o.NotImplemented, name)
	}
	require.False(t, told(t, "LP1", strings.Join([]string{opened[0], opened[1]}, ","), nil).Pass, "a trace that expects nothing proves nothing")
}
