// Package feature turns a firm's purchase and sale invoices into documented numbers as of a date.
//
// One pass over the invoices fills monthly and per-counterparty sums in integer fen; every feature is then a small
// pure function of those sums. An invoice dated after the as-of date is never looked at, so a vector computed for a
// past date is the vector that could have been computed on that date (but for the void mark: see README.md).
package feature
