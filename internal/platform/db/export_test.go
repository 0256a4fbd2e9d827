package db

import "context"

// CutIdle closes the socket of an idle connection behind the pool's back, as a network does.
func CutIdle(ctx context.Context, d *DB) error {
	c, err := d.w.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // a test
	return c.Raw(func(x any) error {
		return x.(*pgConn).Conn.Conn().PgConn().Conn().Close() //nolint:errcheck // the type is known
	})
}
