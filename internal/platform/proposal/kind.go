// Package proposal is the maker-checker of the platform: a sensitive change (a role, a grant, a product,
// a rate, a model) is proposed by one person and decided by another. What is approved is the very text
// that was proposed, bound by its SHA-256; what it changes is still what it was; and the change is applied
// in the transaction of the approval, or not at all.
package proposal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Description says what a body would change. Describe of a kind makes it, refusing a body that could
// not be applied.
type Description struct {
	Object, ObjectID string
	BaseVersion      int64 // of the object now; the approval is refused when it has moved on
	Before, After    any
	MadeBy           string // filled in at approval: who proposed it
}

// Kind is a sort of sensitive change.
type Kind struct {
	Name    string // "user.grant"
	Zh, En  string
	Propose string // permission to propose
	Review  string // permission to approve or reject
	Expires time.Duration
	// Describe reads the present state and checks the body, at proposal and again at approval.
	Describe func(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (Description, error)
	// Apply makes the change in the transaction of the approval; p is the approver.
	Apply func(ctx context.Context, tx *db.Tx, p auth.Principal, d Description, body json.RawMessage) error
}

const expiresDefault = 7 * 24 * time.Hour

// Registry holds the kinds of a program.
type Registry struct {
	mu    sync.RWMutex
	kinds map[string]Kind
}

// Register adds a kind; an incomplete or doubled one is a programming error and panics at start.
func (r *Registry) Register(k Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kinds == nil {
		r.kinds = map[string]Kind{}
	}
	if _, dup := r.kinds[k.Name]; dup || k.Name == "" || k.Zh == "" || k.En == "" || k.Propose == "" || k.Review == "" || k.Describe == nil || k.Apply == nil {
		panic("proposal: kind incomplete or registered twice: " + k.Name)
	}
	if k.Expires == 0 {
		k.Expires = expiresDefault
	}
	r.kinds[k.Name] = k
}

// Kinds lists the kinds by name.
func (r *Registry) Kinds() []Kind {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Kind, 0, len(r.kinds))
	for _, k := range r.kinds {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

func (r *Registry) find(name string) (Kind, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.kinds[name]
	if !ok {
		return k, fault.Field("kind", "没有这种变更："+name, "is not a kind of change: "+name)
	}
	return k, nil
}

// Canonical is the one text of a JSON value: keys sorted, no spaces, numbers as written.
func Canonical(body any) (json.RawMessage, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("proposal: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("proposal: %w", err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil { // maps are written with sorted keys
		return nil, fmt.Errorf("proposal: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// Hash names a kind and canonical body.
func Hash(kind string, body json.RawMessage) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s", kind, body)
	return hex.EncodeToString(h.Sum(nil))
}

// Decode reads a body strictly into the type of its kind: an unknown or doubled field is refused, for
// the reviewer would see it without its having an effect.
func Decode(body json.RawMessage, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fault.Field("body", "内容与该变更种类不符："+err.Error(), "does not fit this kind of change: "+err.Error())
	}
	return nil
}
