// Package products holds the recipes that ship with the program, one file per product.
package products

import "embed"

// Files are the embedded recipes.
//
//go:embed *.yaml
var Files embed.FS
