import type { Text } from '../../widget/values'

export type ReceiptStatus = 'received' | 'matched' | 'exception' | 'returning' | 'closed'
export type Share = { loan_id: string; amount_minor: number; prepay?: boolean; no?: number }
export type Receipt = {
  id: string
  file_id: string
  line: number
  account: string
  amount_minor: number
  currency: string
  value_date: string
  payer_name: string
  payer_account: string
  bank_reference: string
  remittance: string
  channel: string
  note: string
  status: ReceiptStatus
  open_minor: number
  posted_minor: number
  confirmed_minor: number
  returning_minor: number
  returned_minor: number
  ignored_minor: number
  rule: string
  score: number
  why: Text
  plan: Share[]
  created_at: string
}
export type Use = { no: number; kind: string; amount_minor: number; loan_id?: string; order_id?: string; reference?: string; note?: string; actor: string; at: string }
export type ReceiptDetail = Receipt & { uses: Use[] }
export type Count = { status: ReceiptStatus; currency: string; receipts: number; amount_minor: number; open_minor: number }
export type ReceiptFile = { id: string; name: string; kind: 'table' | 'bank'; origin: string; status: 'running' | 'done' | 'refused'; rows: number; receipts: number; repeats: number; bad: number; skipped: number; amount_minor: number; currency: string; job_id: string; problem: Text; created_at: string }
export type ReceiptFileDetail = ReceiptFile & { counts: Count[] }
export type BadRow = { line: number; field: string; column: string; value: string; code: string; message: Text; remedy: Text }
