import type { Text } from '../../widget/values'

export type ProductSummary = { id: string; version: number; status: string; name: Text; summary: Text; currency: string; amount_min_minor: number; amount_max_minor: number; tenor_months_max: number; methods: string[] | null; report: string[] | null }
type Lists = { allow: string[] | null; deny: string[] | null }
export type Parameter = { name: string; value: number; unit: string; zh: string; en: string; source: string }
export type Rule = { code: string; kind: string; when: string; reason: Text; remedy: Text; retry_days: number }
export type Component = { id: string; name: Text; amount: string; remedy: Text }
export type Watch = { code: string; catalogue: string; level: string; when: string; action: string; name: Text; reason: Text; advice: Text; source: string }
export type Recipe = {
  id: string
  name: Text
  summary: Text
  version: number
  status: string
  effective: { from: string; to?: string }
  audience: { customer_types: string[] | null; size_classes: string[] | null; industries: Lists; regions: Lists; firms: Lists }
  evidence: { kind: string; purpose: string; months_min: number; fresh_days_max: number }[] | null
  parameters: Parameter[] | null
  eligibility: Rule[] | null
  limit: { round_to_minor: number; min_minor: number; components: Component[] | null }
  pricing: { benchmark: string; funding: string; operating: string; lgd: string; risk_weight: string; capital_rate: string; hurdle_rate: string; margins: { grade: string; rate: string }[] | null; adjustments: { id: string; when: string; rate: string; name: Text }[] | null; floor_spread: string; ceiling: string }
  terms: { kind: string; currency: string; amount_min_minor: number; amount_max_minor: number; facility_months: number; tenor_months_min: number; tenor_months_max: number; day_count: string; methods: string[] | null; grace_days: number; penalty_spread: string; purposes: { id: string; name: Text }[] | null; sales?: { share_min: string; share_max: string; minimum: string; cap?: string; expected: string }; lease?: { in_advance: boolean; deposit: string; deposit_min: string; deposit_max: string; deposit_use: string; residual: string; residual_max: string }; tranches?: { max: number; months_max: number } }
  decision: { straight_through: string; authority: { up_to_minor: number; roles: string[] | null }[] | null; refer_days: number; valid_days: number; offer_days: number }
  watch: Watch[] | null
  report: string[] | null
}
export type StoredVersion = { product_id: string; version: number; state: string; hash: string; proposed_by: string; proposed_at: string; decided_by?: string; decided_at?: string; note?: string }
export type ProductDetail = { recipe: Recipe; hash: string; yaml: string; versions: StoredVersion[] | null }
