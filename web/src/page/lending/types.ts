import type { Text } from '../../widget/values'

export type Facility = { id: string; firm_id: string; firm_name?: string; application_id: string; contract_id: string; product_id: string; product_version: number; branch_id: string; branch_path: string; currency: string; limit_minor: number; utilised_minor: number; available_minor: number; rate: string; revolving: boolean; status: string; status_reason: Text; starts_on: string; expires_on: string; expired: boolean; created_at: string; updated_at: string; version: number }
export type Movement = { id: string; facility_id: string; kind: string; key: string; amount_minor: number; limit_after_minor: number; utilised_after_minor: number; reason: Text; at: string; actor: string }
export type Terms = { principal_minor: number; currency: string; annual_rate: string; penalty_rate: string; start: string; tenor_months: number; method: string; basis: string; grace_days: number }
export type Totals = { disbursed_minor: number; interest_accrued_minor: number; penalty_accrued_minor: number; fees_charged_minor: number; paid_principal_minor: number; paid_interest_minor: number; paid_penalty_minor: number; paid_fee_minor: number }
export type Loan = { id: string; facility_id: string; reference: string; contract_id: string; firm_id: string; product_id: string; terms: Terms; payee_name: string; payee_account: string; payment_order_id: string; status: string; processed_to: string; disbursed_on?: string; maturity_on: string; next_due_on?: string; next_due_minor: number; currency: string; principal_minor: number; outstanding_minor: number; due_minor: number; days_past_due: number; created_at: string }
export type Instalment = { no: number; due_date: string; days: number; principal_minor: number; interest_minor: number; total_minor: number; balance_minor: number }
export type Row = Instalment & { billed: boolean; paid_principal_minor: number; paid_interest_minor: number; cleared_on?: string }
export type Allocation = { fee_minor: number; penalty_minor: number; interest_minor: number; principal_minor: number }
export type LoanDetail = Loan & { schedule: Row[] | null; due: Allocation; payoff: Allocation; totals: Totals }
export type LoanEvent = { seq: number; kind: string; date: string; amount_minor: number; prepay?: boolean; key: string; note?: string; booked_at: string; actor: string; prev_hash: string; hash: string }
export type StatementLine = { date: string; kind: string; memo: Text; amount_minor: number; allocation?: Allocation; principal_minor: number }
export type Statement = { loan: { status: string }; from: string; until: string; opening_principal_minor: number; closing_principal_minor: number; lines: StatementLine[] | null; totals: Totals }

export const methods = ['interest_only', 'equal_instalment', 'equal_principal', 'bullet'] as const
export const total = (part: Allocation): number => part.fee_minor + part.penalty_minor + part.interest_minor + part.principal_minor
