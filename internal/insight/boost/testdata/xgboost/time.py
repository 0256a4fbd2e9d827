#!/usr/bin/python3
"""Trains XGBoost on request and says how long it took: the other side of BenchmarkAgainstXGBoost.
Reads lines "FILE TREES DEPTH THREADS" (FILE: rows of codes, the label last), answers the seconds of one
training and those of the processors. The first
training on a file is not timed, so that XGBoost's own coding of the values is no part of the figure."""
import sys
import time

import numpy as np
import xgboost as xgb

tables = {}
for line in sys.stdin:
    name, trees, depth, threads = line.split()
    settings = dict(tree_method="hist", objective="binary:logistic", max_depth=int(depth), nthread=int(threads), max_bin=256)
    if (name, threads) not in tables:
        rows = np.loadtxt(name, delimiter=",")
        tables[name, threads] = xgb.DMatrix(rows[:, :-1], label=rows[:, -1], nthread=int(threads))
        xgb.train(settings, tables[name, threads], 2)
    start, used = time.perf_counter(), time.process_time()
    xgb.train(settings, tables[name, threads], int(trees))
    print(time.perf_counter() - start, time.process_time() - used, flush=True)
