import type { Text } from '../../widget/values'
import type { Contribution, Reason as ScoreReason } from '../insight/types'

export type Facts = Record<string, unknown>
export type Bound = { id: string; name: Text; amount_minor: number; binding: boolean; remedy: Text; facts: Facts | null }
export type Hit = { code: string; kind: string; reason: Text; remedy: Text; retry_days: number; facts: Facts | null }
export type PriceComponent = { code: string; name_zh: string; name_en: string; rate: string }
export type Price = { rate: string; cost: string; bound: string; shortfall: string; components: PriceComponent[] | null }
export type DecisionReason = { code: string; kind: string; text: Text; remedy: Text; retry_on?: string }
export type Ask = { firm_id: string; product_id: string; amount_minor: number; currency: string; tenor_months: number; method: string; purpose: string; other_debt_minor: number; application_id?: string; soft: boolean }
export type Inputs = { ask: Ask; date: string; as_of: string; facts: Facts | null; pd: string; points: number; grade: string; thin_file: boolean; contributions: Contribution[] | null; score_reasons: ScoreReason[] | null; benchmark: { name: string; rate: string; published_on: string; certainty: string }; snapshot_id: string; feature_version: string; score_id: string; model_id: string; model_hash: string; recipe_id: string; recipe_version: number; recipe_hash: string }
export type Outcome = { result: string; reasons: DecisionReason[] | null; rules: Hit[] | null; bounds: Bound[] | null; binding: string; limit_minor: number; amount_minor: number; price?: Price | null; rate: string; straight_through: boolean; authority: string[] | null; valid_until: string }
export type Decision = { id: string; firm_id: string; branch_path: string; currency: string; inputs: Inputs; outcome: Outcome; decided_at: string; actor: string }
export type DecisionRow = { id: string; firm_id: string; firm_name?: string; product_id: string; result: string; soft: boolean; grade: string; pd: string; asked_minor: number; limit_minor: number; amount_minor: number; currency: string; rate: string; reason_codes: string[] | null; as_of: string; decided_at: string; actor: string }
