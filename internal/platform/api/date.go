package api

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Date reads a date that a caller may leave out: the zero date for an empty text. What is not one is refused under the name of
// its field.
func Date(field, text string) (calendar.Date, error) {
	if text == "" {
		return calendar.Date{}, nil
	}
	d, err := calendar.Parse(text)
	if err != nil {
		return d, fault.Field(field, "不是 YYYY-MM-DD 形式的日期", "is not a date of the form YYYY-MM-DD").Wrap(err)
	}
	return d, nil
}
