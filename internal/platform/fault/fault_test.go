package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func TestTextsFillMetadataInBothLanguages(t *testing.T) {
	t.Parallel()
	e := fault.Field("amount_minor", "必须大于零", "must be above zero").WithRow(7)
	require.Equal(t, "字段 amount_minor 无效：必须大于零", e.Text("zh-CN"))
	require.Equal(t, "Field amount_minor is invalid: must be above zero", e.Text("en"))
	require.Equal(t, 7, e.Row)
	require.Equal(t, 422, e.Reason.Kind.Status())
}

func TestIsSeesThroughWrapsAndJoins(t *testing.T) {
	t.Parallel()
	nf := fault.NotFoundError("firm", "firm_1").Wrap(errors.New("sql: no rows"))
	joined := fmt.Errorf("reading: %w", fault.Join(fault.Required("name"), nf))
	require.True(t, fault.Is(joined, fault.ReasonNotFound))
	require.True(t, fault.Is(joined, fault.ReasonRequired))
	require.False(t, fault.Is(joined, fault.ReasonForbidden))
	require.Len(t, fault.All(joined), 2)
}

func TestEveryReasonSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	for _, r := range fault.Reasons() {
		require.NotEmpty(t, r.Message.Zh, r.Code)
		require.NotEmpty(t, r.Message.En, r.Code)
		require.NotEmpty(t, r.Remedy.Zh, r.Code)
		require.NotEmpty(t, r.Remedy.En, r.Code)
	}
	require.Panics(t, func() { fault.Declare("INTERNAL", fault.Internal, "", "", "", "") })
}
