import type { Series, Vector } from '../insight/types'

export type Firm = { id: string; code: string; name: string; uscc?: string; industry?: string; industry_zh?: string; industry_en?: string; region?: string; region_zh?: string; region_en?: string; size_class?: string; employees?: number; branch_id?: string; branch_path?: string; status?: string; label?: string; created_at?: string; version?: number }
export type FirmRow = Firm & { grade?: string; pd?: number }
export type Profile = { id: string; firm_id: string; as_of: string; input_hash: string; vector: Vector; series: Series; created_at: string; history: { id: string; as_of: string; invoices: number; months: number; created_at: string }[] | null }
export type Consent = { id: string; firm_id: string; kinds: string[] | null; purposes?: string[] | null; purpose?: string; recipient?: string; valid_from?: string; valid_until?: string; revoked_at?: string; status?: string; evidence?: string; created_at?: string }
export type InvoiceRow = { id: string; direction: string; number: string; date: string; counterparty: string; net_minor: number; tax_minor: number; gross_minor: number; void: boolean; red: boolean; duplicate: boolean; mismatch: boolean }
