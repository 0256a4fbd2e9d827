package api

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// PageQuery is embedded in list inputs.
type PageQuery struct {
	Limit  int    `query:"limit" default:"20" minimum:"1" maximum:"200" doc:"rows per page"`
	Cursor string `query:"cursor" maxLength:"500" doc:"next_cursor of the page before"`
}

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"empty on the last page"`
	Total      int64  `json:"total" doc:"rows that match, over all pages"`
}

// Cut makes a page of rows fetched with one more than limit: the extra row only says that there is a
// next page, whose cursor key makes of the last row shown.
func Cut[T any](rows []T, limit int, total int64, key func(T) []string) Page[T] {
	p := Page[T]{Items: rows, Total: total}
	if len(rows) > limit {
		p.Items = rows[:limit]
		p.NextCursor = EncodeCursor(key(rows[limit-1])...)
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// EncodeCursor packs the sort key of the last row of a page.
func EncodeCursor(parts ...string) string {
	b, _ := json.Marshal(parts) //nolint:errchkjson // strings only
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor unpacks n parts; an empty cursor gives n empty parts.
func DecodeCursor(cursor string, n int) ([]string, error) {
	if cursor == "" {
		return make([]string, n), nil
	}
	var parts []string
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &parts)
	}
	if err != nil || len(parts) != n || !isText(strings.Join(parts, "")) {
		return nil, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list").Wrap(err)
	}
	return parts, nil
}
