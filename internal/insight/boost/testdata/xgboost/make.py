#!/usr/bin/python3
"""Draws a small table and trains XGBoost 1.7 (Debian: python3-xgboost) on it under several settings.
The trees are what the Go trainer must grow on the same codes. Run in this folder; the files are kept."""
import json
import numpy as np
import xgboost as xgb

rng = np.random.default_rng(20240229)
n = 600
x = np.column_stack([rng.integers(0, k, n) for k in (3, 8, 20, 60, 2)]).astype(float)
risk = 0.15 * x[:, 1] - 0.05 * x[:, 2] + 0.6 * (x[:, 0] == 1) + 0.01 * x[:, 3] * x[:, 4]
y = (risk + rng.logistic(size=n) * 0.7 > 0.9).astype(int)
x[rng.random(n) < 0.15, 2] = np.nan
x[(rng.random(n) < 0.2) & (y == 1), 3] = np.nan
w = rng.integers(1, 5, n) / 2
with open("table.csv", "w") as f:
    f.write("a,b,c,d,e,weight,bad\n")
    for i in range(n):
        f.write(",".join("" if np.isnan(v) else "%d" % v for v in x[i]) + ",%g,%d\n" % (w[i], y[i]))
base = dict(tree_method="hist", objective="binary:logistic", nthread=1, max_bin=256)
settings = {
    "plain": dict(max_depth=4),
    "penalties": dict(max_depth=5, eta=0.1, reg_lambda=2.5, alpha=0.7, gamma=0.8, min_child_weight=4),
    "weights": dict(max_depth=3, scale_pos_weight=3.5, base_score=0.3, min_child_weight=0.5),
    "monotone": dict(max_depth=5, monotone_constraints="(0,1,-1,1,0)"),
    "deep": dict(max_depth=9, eta=1, reg_lambda=0.1, min_child_weight=0),
}
for name, p in settings.items():
    d = xgb.DMatrix(x, label=y, weight=w if name == "weights" else None, nthread=1)
    b = xgb.train({**base, **p}, d, 6)
    b.save_model(name + ".json")
    m = b.predict(d, output_margin=True)
    s = b.predict(d, pred_contribs=True)
    json.dump({"margins": [float(v) for v in m[:60]], "shap": [[float(v) for v in r] for r in s[:20]]}, open(name + ".out.json", "w"))
