package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Notification tells one user something; it asks for nothing.
type Notification struct {
	ID     string     `json:"id"`
	Zh     string     `json:"zh"`
	En     string     `json:"en"`
	Link   string     `json:"link" doc:"path in the console"`
	At     time.Time  `json:"at"`
	ReadAt *time.Time `json:"read_at,omitempty"`
}

// Notify writes a notification for a user in the caller's transaction.
func Notify(ctx context.Context, tx *db.Tx, userID, zh, en, link string) error {
	if userID == "" || zh == "" || en == "" {
		return fault.Join(fault.Field("user_id", "通知须有收件人和中英文内容", "a notification needs a user and both texts"))
	}
	if _, err := tx.Exec(ctx, insertNotification, tx.Institution, userID, tx.NewID("ntf"), cut(zh), cut(en), link, db.Micros(tx.Now)); err != nil {
		return fmt.Errorf("notify %s: %w", userID, err)
	}
	return pointNotified.Hit(ctx)
}

// Notifications is a page of a user's notifications with the count of unread ones.
type Notifications struct {
	Items  []Notification
	Total  int64
	Unread int64
}

// Notifications lists the caller's own, newest first.
func (s *Service) Notifications(ctx context.Context, p auth.Principal, unreadOnly bool, after string, limit int) (out Notifications, err error) {
	limit = pageSize(limit)
	flag := 0
	if unreadOnly {
		flag = 1
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countNotifications, p.InstitutionID, p.UserID, flag).Scan(&out.Total); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, countUnread, p.InstitutionID, p.UserID).Scan(&out.Unread); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listNotifications, p.InstitutionID, p.UserID, after, flag, limit)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		out.Items = []Notification{}
		for rows.Next() {
			var n Notification
			var at, read int64
			if err := rows.Scan(&n.ID, &n.Zh, &n.En, &n.Link, &at, &read); err != nil {
				return err
			}
			n.At, n.ReadAt = db.Time(at), optional(read)
			out.Items = append(out.Items, n)
		}
		return rows.Err()
	})
	return out, err
}

// Read marks one of the caller's notifications as read; a second time changes nothing.
func (s *Service) Read(ctx context.Context, p auth.Principal, id string) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		found, err := tx.ExecOne(ctx, readOne, p.InstitutionID, p.UserID, id, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if !found {
			return fault.NotFoundError("notification", id)
		}
		return nil
	})
}

// ReadAll marks all of the caller's notifications as read and says how many were not.
func (s *Service) ReadAll(ctx context.Context, p auth.Principal) (n int64, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, readAll, p.InstitutionID, p.UserID, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// Prune removes notifications of all institutions read before an instant, so that they do not pile up;
// the program's housekeeping calls it.
func (s *Service) Prune(ctx context.Context, readBefore time.Time) error {
	return s.db.Update(ctx, db.System("inbox"), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, pruneNotifications, db.Micros(readBefore))
		return err
	})
}

// Instants at which a test may break off.
var (
	pointNotified = failpoint.Declare("inbox.notified")
)
