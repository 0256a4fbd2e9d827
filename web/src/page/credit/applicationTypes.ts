import type { Text } from '../../widget/values'
import type { DecisionReason } from './decisionTypes'

export type OfferRow = { no: number; due_on: string; principal_minor: number; interest_minor: number; total_minor: number; balance_minor: number }
/** What only some kinds of offer have: deposit, residual, discount, share of sales. */
export type OfferExtras = { kind?: string; proceeds_minor?: number; withheld_minor?: number; deposit_minor?: number; deposit_use?: string; residual_minor?: number; in_advance?: boolean; sales_share?: string; sales_minimum_minor?: number; sales_cap_minor?: number; sales_expected_minor?: number; tranches_max?: number }
export type Offer = { extras?: OfferExtras; amount_minor: number; currency: string; rate: string; annualised_rate: string; total_cost_minor: number; tenor_months: number; method: string; grace_days: number; penalty_spread: string; prepayment_fee: string; instalments: OfferRow[] | null; offered_on: string; expires_on: string; facility_months: number; revolving: boolean; reduced_from_minor?: number }
export type Application = { id: string; firm_id: string; firm_name: string; product_id: string; product_version: number; state: string; state_name: Text; amount_minor: number; currency: string; tenor_months: number; method: string; purpose: string; purpose_note: string; other_debt_minor: number; decision_id: string; approved_minor: number; rate: string; reasons: DecisionReason[] | null; offer?: Offer | null; contract_id: string; loan_id: string; created_by: string; submitted_by: string; created_at: string; updated_at: string; version: number }
export type Step = { id: string; action: string; from: string; to: string; actor: string; at: string; note?: string }
export type Transition = { action: string; from: string[] | null; to: string; name: Text }
export type ApplicationDetail = Application & { steps: Step[] | null; possible: Transition[] | null; progress: { stage: string; name: Text; done: boolean; at?: string | null }[] | null }
export type Lane = { state: string; name: Text; count: number; amount_minor: number }

export const states = ['draft', 'submitted', 'referred', 'approved', 'offered', 'accepted', 'contracted', 'drawn', 'declined', 'withdrawn', 'expired'] as const
