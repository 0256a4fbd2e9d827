// Package workbench trains, applies and explains models on any table: numbers and categories, boosted trees or a
// scorecard. It reads tables as CSV, divides them by an expression, and keeps what a model needs to score new rows in one
// file. It is pure but for readers and writers: no database, no clock.
package workbench
