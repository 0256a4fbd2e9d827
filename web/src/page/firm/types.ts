import type { Text } from '../../widget/values'
import type { Series, Vector } from '../insight/types'

export type Firm = { id: string; code: string; name: string; uscc: string; uscc_evidence?: string; customer_type: string; industry: string; industry_name: Text; region: string; region_name: string; employees: number; revenue_minor: number; assets_minor: number; size_class: string; size_source: string; size_on: string; owner_name: string; owner_id: string; phone: string; address: string; branch_id: string; branch_path: string; manager_id: string; status: string; demo: boolean; default_label: string; label_on: string; label_source: string; created_at: string; updated_at: string; version: number }
export type Relation = { id: string; firm_id: string; other_firm_id: string; other_name: string; kind: string; share_bp: number; note: string; inverse: boolean; created_at: string }
export type Profile = { id: string; firm_id: string; as_of: string; input_hash: string; vector: Vector; series: Series; created_at: string; history: { id: string; as_of: string; invoices: number; months: number; created_at: string }[] | null }
export type Consent = { id: string; firm_id: string; purpose: string; kinds: string[] | null; recipient: string; starts_on: string; ends_on: string; evidence_hash: string; granted_by: string; granted_at: string; withdrawn_at?: string; withdraw_reason?: string; live: boolean }
export type Read = { id: string; consent_id: string; kind: string; purpose: string; actor: string; at: string }
export type InvoiceRow = { direction: string; number: string; date: string; counterparty: string; net_minor: number; tax_minor: number; gross_minor: number; void: boolean; red: boolean; duplicate: boolean; mismatch: boolean }
export type Industry = { code: string; zh: string; en: string }
export type Division = { code: string; name: string; leaf: boolean }
