// Package app wires the house together: it builds every service on one database, registers every route,
// consumer and job, starts the servers, and stops them in order. Nothing else lives here.
package app

// Version is set by the linker.
var Version = "dev"
