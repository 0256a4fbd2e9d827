package uscc_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/uscc"
)

type vectors struct {
	Valid []struct {
		USCC    string `json:"uscc"`
		OrgCode string `json:"org_code"`
	} `json:"valid"`
	Invalid []struct {
		Code string `json:"code"`
		Why  string `json:"why"`
	} `json:"invalid"`
	ID struct {
		Valid []string `json:"valid_examples_from_standard"`
	} `json:"id_card_GB11643"`
	LEI struct {
		Valid map[string]string `json:"valid_examples_computed"`
	} `json:"lei_ISO17442"`
}

func load(t *testing.T, path string) vectors {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("shared vectors absent at %s; testdata/codes.json is checked instead", path)
	}
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

func checkVectors(t *testing.T, v vectors) {
	t.Helper()
	require.NotEmpty(t, v.Valid)
	for _, c := range v.Valid {
		code, err := uscc.Parse(c.USCC)
		require.NoError(t, err, c.USCC)
		require.True(t, code.OrgCheckOK, c.USCC)
		require.NoError(t, uscc.CheckOrg(c.OrgCode), c.OrgCode)
		require.Equal(t, c.OrgCode[:8]+c.OrgCode[9:], code.Org)
	}
	for _, c := range v.Invalid {
		require.Error(t, uscc.Check(c.Code), "%s: %s", c.Code, c.Why)
	}
	for _, s := range v.ID.Valid {
		require.NoError(t, uscc.CheckResident(s), s)
	}
	for name, s := range v.LEI.Valid {
		require.NoError(t, uscc.CheckLEI(s), name)
	}
}

func TestCopiedFacts(t *testing.T) {
	t.Parallel()
	checkVectors(t, load(t, "testdata/codes.json"))
}

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	checkVectors(t, load(t, "../../../../shared/vectors/id_codes.json"))
}

func TestErrorsNameTheFault(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, uscc.Check("123"), uscc.ErrLength)
	require.ErrorIs(t, uscc.Check("91440300I92203821O"), uscc.ErrAlphabet)
	require.ErrorIs(t, uscc.Check("914403001922038217"), uscc.ErrCheck)
	require.ErrorIs(t, uscc.CheckResident("110105194912310021"), uscc.ErrCheck)
	require.ErrorIs(t, uscc.CheckLEI("5493002ERZU2K9PZDL41"), uscc.ErrCheck)
	r, err := uscc.ParseResident("11010519491231002X")
	require.NoError(t, err)
	require.Equal(t, "1949-12-31", r.Birth.String())
	require.True(t, r.Female)
	require.Equal(t, "914403001922038216", uscc.Normalise(" 914403001922038216 "))
}

// One changed character must always be caught, whatever the code.
func TestSingleErrorsAreCaught(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	rapid.Check(t, func(t *rapid.T) {
		serial := []byte("00000000")
		for i := range serial {
			serial[i] = alphabet[rapid.IntRange(0, 30).Draw(t, "c")]
		}
		code, err := uscc.Make('9', '1', "330106", string(serial))
		require.NoError(t, err)
		parsed, err := uscc.Parse(code)
		require.NoError(t, err)
		require.True(t, parsed.OrgCheckOK)
		i := rapid.IntRange(0, 17).Draw(t, "position")
		c := alphabet[rapid.IntRange(0, 30).Draw(t, "replacement")]
		if code[i] == c {
			return
		}
		require.Error(t, uscc.Check(code[:i]+string(c)+code[i+1:]))
	})
}
