export type MonthPoint = { month: string; sales_net_minor: number; purchases_net_minor: number; sales_tax_minor: number; purchases_tax_minor: number; sales_count: number; purchases_count: number; sales_void: number; purchases_void: number; complete: boolean }
export type PartyPoint = { counterparty: string; net_minor: number; share: number; months: number; circular: boolean }
export type Series = { as_of: string; months: MonthPoint[] | null; top_buyers: PartyPoint[] | null; top_suppliers: PartyPoint[] | null }
export type Vector = { as_of: string; version: string; invoices: number; months: number; values: Record<string, number | null> }
export type Definition = { id: string; name_zh: string; name_en: string; theme: string; unit: string; window: string; sources: string[]; direction: number; formula_zh: string; formula_en: string; null_zh: string; null_en: string; chart: string }

export const themes = ['level', 'activity', 'silence', 'trend', 'volatility', 'seasonality', 'quality', 'buyers', 'suppliers', 'graph', 'vat', 'margin', 'cash'] as const
export type Theme = (typeof themes)[number]

export type Reason = { code: string; points_lost: number; zh: string; en: string }
export type Contribution = { feature: string; value: number | null; bin: number; woe: number; log_odds: number; points: number; max_points: number }
export type ScoreResult = { pd: number; points: number; grade: string; thin_file: boolean; contributions: Contribution[] | null; reasons: Reason[] | null }

export type Spread = { mean: number; std: number; min: number; max: number; p05: number; p50: number; p95: number }
export type Performance = { auc: number; gini: number; ks: number; brier: number; log_loss: number }
export type Fold = Performance & { repeat: number; fold: number; features: string[] | null }
export type Validation = { samples: number; bads: number; thin_files: number; fold_count: number; repeats: number; seed: number; auc: Spread; ks: Spread; brier: Spread; repeat_auc: Spread; folds: Fold[] | null; held_out: { id: string; pd: number; bad: boolean }[] | null; chosen: Record<string, number> | null; slope: number; intercept: number }
export type RocPoint = { threshold: number; bad_share: number; good_share: number }
export type CalibrationBin = { count: number; bads: number; predicted: number; observed: number; min_pd: number; max_pd: number }
export type Bin = { max: number | null; good: number; bad: number; woe: number; points: number }
export type Characteristic = { feature: string; direction: number; iv: number; beta: number; bins: Bin[]; missing: Bin }
export type Scorecard = { feature_version: string; samples: number; bads: number; thin_files: number; base_points: number; prior_pd: number; slope: number; characteristics: Characteristic[] | null }

export type Model = { id: string; name: string; state: string; as_of: string; feature_version: string; sample: { as_of: string; rule_zh: string; rule_en: string; firms: number; bads: number; skipped: { firm_id: string; zh: string; en: string }[] | null }; scorecard: Scorecard | null; hash: string; validation?: Validation; trained_at: string; trained_by: string; validated_at?: string; approved_at?: string; approved_by?: string; approval_note?: string; activated_at?: string; retired_at?: string; version: number }
export type ModelDetail = Model & { roc: RocPoint[] | null; calibration: CalibrationBin[] | null; held_out_performance?: Performance; scored: number; stability: number; stability_zh: string; stability_en: string; hosmer_lemeshow: number }
export type ScorePoint = { id: string; as_of: string; model_id: string; pd: number; points: number; grade: string; thin_file: boolean; created_at: string }
export type FirmScore = { score: { id: string; model_id: string; model_hash: string; snapshot_id: string; as_of: string; result: ScoreResult; created_at: string }; history: ScorePoint[] | null }

export type ModelSummary = { id: string; name: string; state: string; as_of: string; samples: number; bads: number; auc: number | null; auc_std: number | null; ks: number | null; trained_at: string; trained_by: string; approved_by?: string; activated_at?: string }

export type CoursePoint = { as_of: string; value: number | null }
export type Course = { feature: string; points: CoursePoint[] | null }
export type Distribution = { feature: string; firms: number; empty: number; truncated: boolean; min: number | null; p05: number | null; p25: number | null; p50: number | null; p75: number | null; p95: number | null; max: number | null; mean: number | null; bins: { from: number; to: number; firms: number }[] | null }
