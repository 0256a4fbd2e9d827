package product

import (
	"context"
	"fmt"
	"io/fs"
	"sort"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/products"
)

var (
	selectApproved = db.Q(`select recipe from product_version where institution_id = $1 and product_id = $2 and state = 'approved' order by version desc limit 20`)
	selectVersions = db.Q(`select product_id, version, state, hash, proposed_by, proposed_at, decided_by, decided_at, note
		from product_version where institution_id = $1 and ($2 = '' or product_id = $2) order by product_id, version desc limit 500`)
	selectVersion  = db.Q(`select state, recipe, proposed_by from product_version where institution_id = $1 and product_id = $2 and version = $3 /*for update*/`)
	selectHighest  = db.Q(`select coalesce(max(version), 0) from product_version where institution_id = $1 and product_id = $2 and state <> 'rejected'`)
	selectProducts = db.Q(`select distinct product_id from product_version where institution_id = $1 and state = 'approved' order by product_id`)
	insertVersion  = db.Q(`insert into product_version (institution_id, product_id, version, state, hash, recipe, proposed_by, proposed_at, decided_by, decided_at, note)
		values ($1,$2,$3,'proposed',$4,$5,$6,$7,'',0,'')`)
	dropRejected  = db.Q(`delete from product_version where institution_id = $1 and product_id = $2 and version = $3 and state = 'rejected'`)
	decideVersion = db.Q(`update product_version set state = $4, decided_by = $5, decided_at = $6, note = $7
		where institution_id = $1 and product_id = $2 and version = $3 and state = 'proposed'`)
	insertArchive = db.Q(`insert into product_archive (institution_id, hash, product_id, version, recipe, archived_at) values ($1,$2,$3,$4,$5,$6) on conflict do nothing`)
	selectArchive = db.Q(`select recipe from product_archive where institution_id = $1 and hash = $2`)
	hasArchive    = db.Q(`select 1 from product_archive where institution_id = $1 and hash = $2`)
)

// compiledMax bounds the memory of compiled recipes; beyond it the memory starts anew.
const compiledMax = 256

var memory struct {
	sync.Mutex
	byText map[string]*Compiled
}

// compiled parses a stored text once per process: compiling costs milliseconds, deciding should not.
func compiled(text string) (*Compiled, error) {
	memory.Lock()
	c := memory.byText[text]
	memory.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	memory.Lock()
	defer memory.Unlock()
	if memory.byText == nil || len(memory.byText) >= compiledMax {
		memory.byText = map[string]*Compiled{}
	}
	memory.byText[text] = c
	return c, nil
}

// shipped are the embedded recipes by product id.
var shipped = sync.OnceValues(func() (map[string]*Compiled, error) {
	out := map[string]*Compiled{}
	entries, err := fs.ReadDir(products.Files, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(products.Files, e.Name())
		if err != nil {
			return nil, err
		}
		c, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("embedded recipe %s: %w", e.Name(), err)
		}
		out[c.ID] = c
	}
	return out, nil
})

// Active is the recipe in force for a product on the business date: the institution's newest
// approved version whose life covers it, or else the one that ships with the program.
func Active(ctx context.Context, tx *db.Tx, productID string) (*Compiled, error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	own, err := approved(ctx, tx, productID, day)
	if err != nil || own != nil {
		return own, err
	}
	all, err := shipped()
	if err != nil {
		return nil, err
	}
	if c, ok := all[productID]; ok {
		return c, nil
	}
	return nil, fault.NotFoundError("product", productID)
}

func approved(ctx context.Context, tx *db.Tx, productID string, day calendar.Date) (*Compiled, error) {
	rows, err := tx.Query(ctx, selectApproved, tx.Institution, productID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		c, err := compiled(text)
		if err != nil {
			return nil, err
		}
		if !day.Before(c.Effective.From) && (c.Effective.To.IsZero() || !day.After(c.Effective.To)) {
			return c, nil
		}
	}
	return nil, rows.Err()
}

// All lists the recipes in force, by id.
func All(ctx context.Context, tx *db.Tx) ([]*Compiled, error) {
	ids := map[string]bool{}
	embedded, err := shipped()
	if err != nil {
		return nil, err
	}
	for id := range embedded {
		ids[id] = true
	}
	rows, err := tx.Query(ctx, selectProducts, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []*Compiled
	for id := range ids {
		c, err := Active(ctx, tx, id)
		if fault.Is(err, fault.ReasonNotFound) {
			continue // an own product that is not in force yet
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, nil
}

// Archive keeps the text of a recipe that a decision is made with.
func Archive(ctx context.Context, tx *db.Tx, c *Compiled) error {
	var one int
	err := tx.QueryRow(ctx, hasArchive, tx.Institution, c.Hash).Scan(&one)
	if err == nil {
		return nil
	}
	if !db.IsNoRows(err) {
		return err
	}
	_, err = tx.Exec(ctx, insertArchive, tx.Institution, c.Hash, c.ID, c.Version, c.Text, db.Micros(tx.Now))
	return err
}

// Archived is the recipe a decision was made with.
func Archived(ctx context.Context, tx *db.Tx, hash string) (*Compiled, error) {
	var text string
	err := tx.QueryRow(ctx, selectArchive, tx.Institution, hash).Scan(&text)
	if db.IsNoRows(err) {
		return nil, fault.NotFoundError("recipe", hash)
	}
	if err != nil {
		return nil, err
	}
	return compiled(text)
}

// StoredVersion is one of the institution's own versions.
type StoredVersion struct {
	ProductID  string    `json:"product_id"`
	Version    int64     `json:"version"`
	State      string    `json:"state" enum:"proposed,approved,rejected"`
	Hash       string    `json:"hash"`
	ProposedBy string    `json:"proposed_by"`
	ProposedAt time.Time `json:"proposed_at"`
	DecidedBy  string    `json:"decided_by,omitempty"`
	DecidedAt  time.Time `json:"decided_at,omitzero"`
	Note       string    `json:"note,omitempty"`
}

func versions(ctx context.Context, tx *db.Tx, productID string) ([]StoredVersion, error) {
	rows, err := tx.Query(ctx, selectVersions, tx.Institution, productID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []StoredVersion{}
	for rows.Next() {
		var v StoredVersion
		var proposed, decided int64
		if err := rows.Scan(&v.ProductID, &v.Version, &v.State, &v.Hash, &v.ProposedBy, &proposed, &v.DecidedBy, &decided, &v.Note); err != nil {
			return nil, err
		}
		v.ProposedAt, v.DecidedAt = db.Time(proposed), db.Time(decided)
		out = append(out, v)
	}
	return out, rows.Err()
}
