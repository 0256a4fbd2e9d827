package db

// Memo remembers what a transaction has already looked up (an account mapping, a rate), for as long as
// the transaction lives: make is called once per key. Values must not change while it runs.
func Memo[K comparable, V any](t *Tx, key K, make func() (V, error)) (V, error) {
	if v, ok := t.memo[key]; ok {
		return v.(V), nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	if t.memo == nil {
		t.memo = map[any]any{}
	}
	t.memo[key] = v
	return v, nil
}

// Forget drops what Memo keeps under key, after a change of it in the same transaction.
func Forget[K comparable](t *Tx, key K) { delete(t.memo, key) }
