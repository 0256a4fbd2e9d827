package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"

	"github.com/capillary-finance/capillary/internal/platform/config"
)

// OpenAPI builds the house on a throw-away database and gives its OpenAPI 3.1 document.
func OpenAPI(ctx context.Context) (text []byte, err error) {
	dir, err := os.MkdirTemp("", "capillary-openapi-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg := config.Default()
	cfg.DataDir = dir
	a, err := Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return json.MarshalIndent(a.API.Huma.OpenAPI(), "", " ")
}
