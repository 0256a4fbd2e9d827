package auth

import (
	"context"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Colleague is as much of a person as everybody of the institution may know: whom to hand something to.
type Colleague struct {
	ID     string `json:"id"`
	Login  string `json:"login"`
	Name   string `json:"name"`
	Branch string `json:"branch" doc:"name of the branch"`
}

var listColleagues = db.Q(`select u.id, u.login, u.name, coalesce(b.name, '') from user_account u
	left join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where u.institution_id = $1 and u.kind = 'person' and u.status = 'active' and u.id <> $2 and ($3 = '' or lower(u.login) like $3 or lower(u.name) like $3)
	order by u.login limit $4`)

const colleaguesMax = 50

// Colleagues finds active people of the institution by a part of their name, never the caller himself.
func (s *Service) Colleagues(ctx context.Context, p Principal, text string) ([]Colleague, error) {
	like := ""
	if text = strings.NewReplacer("%", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(text))); text != "" {
		like = "%" + text + "%"
	}
	out := []Colleague{}
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, listColleagues, tx.Institution, p.UserID, like, colleaguesMax)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var c Colleague
			if err := rows.Scan(&c.ID, &c.Login, &c.Name, &c.Branch); err != nil {
				return err
			}
			out = append(out, c)
		}
		return rows.Err()
	})
	return out, err
}
