import type { Text } from '../../widget/values'

export type MandateState = 'signed' | 'suspended' | 'revoked'
export type Mandate = {
  id: string; reference: string; scope: 'loan' | 'facility' | 'firm'; scope_id: string; firm_id: string; currency: string
  debtor_account: string; debtor_name: string; max_minor: number; valid_from: string; valid_to?: string; signed_on?: string; document: string
  implied: boolean; state: MandateState; cause: string; reason: string; stopped_at?: string; created_at: string; version: number
}
export type Attempt = {
  loan_id: string; on: string; no: number; mandate_id: string; amount_minor: number; due_minor: number; currency: string; order_id: string
  status: '' | 'recorded' | 'sent' | 'succeeded' | 'failed'; bank_reason: string; code: string; reason: Text; at: string
}
export type CollectionPolicy = { attempts_per_day: number; give_up_after_days: number; partial: boolean; minimum_minor: number; implied: boolean; version: number }
export type Collections = { mandate?: Mandate; why?: Text; remedy?: Text; mandates: Mandate[]; attempts: Attempt[]; policy: CollectionPolicy }
