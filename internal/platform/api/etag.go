package api

import (
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// ETag is the entity tag of a version.
func ETag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// IfMatch is embedded in the inputs of changes: the version the user saw.
type IfMatch struct {
	IfMatch string `header:"If-Match" maxLength:"40" doc:"the ETag of the version that was read; refused with 412 when it has changed"`
}

// Check compares the version the user saw with the present one (STALE_VERSION); none given accepts any.
func (m IfMatch) Check(version int64) error {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return nil
	}
	for tag := range strings.SplitSeq(m.IfMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == ETag(version) {
			return nil
		}
	}
	return fault.New(fault.ReasonStale, "version", version)
}

// Required is Check for changes that must name the version they were based on.
func (m IfMatch) Required(version int64) error {
	if m.IfMatch == "" {
		return fault.Required("If-Match")
	}
	return m.Check(version)
}

// Tagged is embedded in outputs that carry an entity tag.
type Tagged struct {
	ETag string `header:"ETag"`
}
