package region_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/region"
)

func TestFullName(t *testing.T) {
	t.Parallel()
	rows := map[string]string{
		"440305": "广东省深圳市南山区", "110105": "北京市朝阳区", "330000": "浙江省", "330100": "浙江省杭州市",
		"33": "浙江省", "999999": "", "": "",
	}
	for code, want := range rows {
		require.Equal(t, want, region.FullName(code), code)
	}
	require.True(t, region.Known("440399"))
	require.False(t, region.Known("99"))
	require.False(t, region.Known("4"))
	name, ok := region.Name("330106")
	require.True(t, ok)
	require.Equal(t, "西湖区", name)
}

func TestChildren(t *testing.T) {
	t.Parallel()
	require.Len(t, region.Children(""), 31)
	require.Len(t, region.Children("33"), 11)
	require.Len(t, region.Children("330000"), 11)
	counties := 0
	for _, p := range region.Children("") {
		for _, c := range region.Children(p.Code) {
			counties += len(region.Children(c.Code))
		}
	}
	require.Equal(t, 2978, counties)
}
