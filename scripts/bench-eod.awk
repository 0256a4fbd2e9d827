#!/usr/bin/awk -f
# Turns the figures of BenchmarkClose into Markdown rows.
BEGIN {
  print ""; print "| engine | loans | days | loans/s | loan-days/s | CPU per loan | times a bare rewrite | peak memory |"; print "|---|---|---|---|---|---|---|---|"
}
/^BenchmarkClose/ {
  split($1, name, "/"); sub("loans=", "", name[3]); sub("days=", "", name[4]); sub("-[0-9]+$", "", name[4])
  for (i = 3; i < NF; i += 2) figure[$(i + 1)] = $i
  printf "| %s | %d | %d | %d | %d | %.0f us | %.1f | %.0f MiB |\n", name[2], name[3], name[4], figure["loans/s"], figure["loan-days/s"], figure["cpu-us/loan"], figure["x-bare-rewrite"], figure["peak-MiB"]
}
