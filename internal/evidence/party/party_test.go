package party_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// reversed is a toy cipher: tests see that the stored text is not the plain one.
type reversed struct{}

func flip(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}
func (reversed) Seal(_, s string) (string, error) { return "x" + flip(s), nil }
func (reversed) Open(_, s string) (string, error) { return flip(strings.TrimPrefix(s, "x")), nil }

func factory() party.Draft {
	return party.Draft{
		Code: "E1", Name: "温州恒源金属有限公司", USCC: "914403001922038216", Industry: "C3311", Region: "330302", Employees: 25, RevenueMinor: 5_000_000_00,
		OwnerName: "陈某", OwnerID: "11010519491231002X", Phone: "13912345678",
	}
}

func TestAFirmIsCreatedClassifiedAndMasked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, staff := party.NewService(d, reversed{}), dbtest.Institution(t, d)
		f, err := s.Create(t.Context(), staff.Manager, factory())
		require.NoError(t, err)
		require.Equal(t, "S", f.SizeClass, "25 people and 5 million yuan of sales make a small industrial firm")
		require.Equal(t, "2026-01-05", f.SizeOn.String())
		require.Equal(t, "1101**********002X", f.OwnerID)
		require.Equal(t, "139****5678", f.Phone)
		require.Equal(t, "/hq/east/", f.BranchPath)

		got, err := s.Get(t.Context(), staff.Manager, f.ID)
		require.NoError(t, err)
		require.Equal(t, f, got)
		_, err = s.Create(t.Context(), staff.Manager, factory())
		require.True(t, fault.Is(err, party.ReasonCodeTaken))

		change := factory()
		change.Employees, change.OwnerID, change.Phone = 12, f.OwnerID, f.Phone // masked values come back from the form
		f2, err := s.Update(t.Context(), staff.Manager, f.ID, f.Version, change)
		require.NoError(t, err)
		require.Equal(t, "T", f2.SizeClass)
		require.Equal(t, f.OwnerID, f2.OwnerID, "a masked value keeps what is stored")
		_, err = s.Update(t.Context(), staff.Manager, f.ID, f.Version, change)
		require.True(t, fault.Is(err, fault.ReasonStale))
	})
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	d := factory()
	d.Code, d.USCC, d.Industry, d.Region, d.OwnerID, d.DefaultLabel = "a b", "914403001922038217", "ZZ", "999999", "110105194912310021", "maybe"
	fields := map[string]bool{}
	for _, f := range fault.All(d.Validate()) {
		fields[f.Field] = true
	}
	for _, want := range []string{"code", "uscc", "industry", "region", "owner_id", "default_label"} {
		require.True(t, fields[want], want)
	}
	d = factory()
	d.USCC, d.USCCEvidence = "91350203M0001QAY9B", "营业执照扫描件"
	require.NoError(t, d.Validate(), "a code that fails its check may be used with evidence")
}

func TestListsAreCutByBranchSearchedAndPaged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, staff := party.NewService(d, reversed{}), dbtest.Institution(t, d)
		other := dbtest.Institution(t, d)
		for i, code := range []string{"A3", "A1", "A2", "W1"} {
			f := factory()
			f.Code, f.Name, f.BranchPath = code, "企业"+code, "/hq/east/"
			if i == 3 {
				f.BranchPath = "/hq/west/"
			}
			_, err := s.Create(t.Context(), staff.System, f)
			require.NoError(t, err)
		}
		page, err := s.List(t.Context(), staff.Manager, party.Filter{Limit: 2})
		require.NoError(t, err)
		require.EqualValues(t, 3, page.Total, "the west is not the manager's")
		require.Equal(t, "A1", page.Items[0].Code)
		next, err := s.List(t.Context(), staff.Manager, party.Filter{Limit: 2, Cursor: page.NextCursor})
		require.NoError(t, err)
		require.Len(t, next.Items, 1)
		require.Equal(t, "A3", next.Items[0].Code)
		found, err := s.List(t.Context(), staff.Risk, party.Filter{Query: "w1", Sort: "-updated_at"})
		require.NoError(t, err)
		require.Len(t, found.Items, 1)
		none, err := s.List(t.Context(), other.Risk, party.Filter{})
		require.NoError(t, err)
		require.Empty(t, none.Items)
		_, err = s.Get(t.Context(), other.Risk, found.Items[0].ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = s.Get(t.Context(), staff.Manager, found.Items[0].ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), "another branch's firm does not exist for the manager")
	})
}

func TestRelationsShowFromBothSides(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, staff := party.NewService(d, reversed{}), dbtest.Institution(t, d)
		a, err := s.Create(t.Context(), staff.Manager, factory())
		require.NoError(t, err)
		second := factory()
		second.Code = "E2"
		b, err := s.Create(t.Context(), staff.Manager, second)
		require.NoError(t, err)
		r, err := s.Relate(t.Context(), staff.Manager, a.ID, party.RelationDraft{OtherFirmID: b.ID, Kind: "guarantor"})
		require.NoError(t, err)
		seen, err := s.Relations(t.Context(), staff.Manager, b.ID)
		require.NoError(t, err)
		require.Len(t, seen, 1)
		require.True(t, seen[0].Inverse)
		require.Error(t, s.Unrelate(t.Context(), staff.Manager, b.ID, r.ID), "removed where it was recorded")
		require.NoError(t, s.Unrelate(t.Context(), staff.Manager, a.ID, r.ID))
	})
}

func TestMasksNeverShowTheMiddle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "123": "***", "123456": "1****6", "13912345678": "139****5678", "11010519491231002X": "1101**********002X"} {
		require.Equal(t, want, party.Mask(in))
	}
}
