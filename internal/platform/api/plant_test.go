package api_test

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// plantClaim leaves the row of a request whose server died.
var plantClaim = db.Q(`insert into idempotency_key (institution_id, actor, key, state, claimed_at, expires_at, fingerprint, claim, status, content_type, etag, location, body)
	values ($1,$2,$3,$4,$5,$6,$7,'dead',0,'','','','')`)

func planted(committed bool) string {
	if committed {
		return "executed"
	}
	return "claimed"
}

var fingerprintOfGood = func() string {
	h := sha256.Sum256([]byte("POST\n/api/v1/things\n\n\n" + good))
	return hex.EncodeToString(h[:])
}()
