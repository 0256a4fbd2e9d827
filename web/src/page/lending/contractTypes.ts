import type { Text } from '../../widget/values'
import type { OfferExtras } from '../credit/applicationTypes'
import type { Instalment } from './types'

export type Conditions = {
  kind?: string
  methods: string[] | null
  tenor_months_min: number
  tenor_months_max: number
  sales?: { share_min: string; share_max: string; minimum: string; cap?: string }
  lease?: { deposit_min: string; deposit_max: string; deposit_use?: string; residual_max: string }
  tranches?: { max: number; months_max: number }
}
export type ContractTerms = { conditions: Conditions; extras?: OfferExtras; number: string; lender_zh: string; lender_en: string; borrower: string; borrower_uscc: string; purpose: Text; currency: string; limit_minor: number; revolving: boolean; annual_rate: string; annualised_rate: string; penalty_rate: string; method: string; tenor_months: number; signed_on: string; starts_on: string; expires_on: string; schedule: Instalment[] | null; cost: { principal_minor: number; interest_minor: number; total_minor: number }; demo: boolean }
export type Contract = { id: string; application_id: string; facility_id: string; firm_id: string; product_id: string; status: string; terms: ContractTerms; terms_hash: string; pdf_hash: string; pdf_size: number; created_at: string; created_by: string }
