import type { Text } from '../../widget/values'

export type RowError = { line: number; field: string; column: string; value: string; code: string; message: Text; remedy: Text }
export type Report = { format: string; encoding: string; direction?: string; headings: string[] | null; unknown_headings: string[] | null; bytes: number; rows: number; accepted: number; rejected: number; blank: number; valid: number; void: number; void_padded: number; red: number; zero: number; duplicate: number; mismatch: number; firms: number; counterparties: number; first_date: string; last_date: string; error_count: number; errors_by_code: Record<string, number> | null; unknown_firm: number; firms_created: number; firms_updated: number; labelled?: number; defaulted?: number; bad_kept: number }
export type Batch = { id: string; kind: string; file_name: string; file_hash: string; file_bytes: number; state: string; job_id: string; staged: number; inserted: number; known: number; report: Report; same_as?: string; created_by: string; created_at: string; finished_at?: string }
export type PreviewInvoice = { line: number; firm: string; direction: string; number: string; date: string; counterparty: string; net_minor: number; tax_minor: number; gross_minor: number; void: boolean; red: boolean; duplicate: boolean; mismatch: boolean }
export type PreviewFirm = { line: number; code: string; name: string; labelled: boolean; defaulted: boolean; uscc: string; industry: string; region: string }
export type Preview = { kind: string; direction: string; format: string; encoding: string; headings: string[]; unknown_headings: string[]; invoices: PreviewInvoice[]; firms: PreviewFirm[]; problems: RowError[]; same_as?: string }
export type Upload = { hash: string; name: string; size: number }
export type Options = { kind?: string; direction?: string; firm_code?: string; create_missing?: boolean }
