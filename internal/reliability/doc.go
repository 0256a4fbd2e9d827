// Package reliability holds the bars of docs/reliability.md that cross packages: simulation against an oracle,
// kills, faults of the database, races, histories. It has tests only; what they are built of lies in testkit.
package reliability
