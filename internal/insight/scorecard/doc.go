// Package scorecard builds and applies points-based credit scores: monotone binning, weight of evidence, logistic
// regression, points, reasons, and the statistics that judge them.
//
// It is pure: no I/O, no clock, and the same samples, options and seed give the same model bit for bit.
package scorecard
