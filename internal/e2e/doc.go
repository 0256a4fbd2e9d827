// Package e2e drives the console in a real browser against a real server. The tests run when
// CAPILLARY_E2E is set (make test-e2e does): they need Chromium and the built binary.
package e2e
