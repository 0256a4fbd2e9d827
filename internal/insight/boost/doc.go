// Package boost grows, reads, applies and explains gradient-boosted trees.
//
// Training is by histograms over coded columns and gives the trees that XGBoost 1.7 gives with tree_method=hist on the
// same codes. Predictions, leaf indices and TreeSHAP values are exact. Models of XGBoost (JSON) and LightGBM (text) are
// read with strict checks.
//
// It is pure: no database, no clock, no I/O beyond readers and writers, and the same data, parameters and seed give the
// same model bit for bit on any number of goroutines.
package boost
