import type { Text } from '../../widget/values'

export type Run = {
  closing_date: string; next_date: string; step: string; plan: string[] | null; collections: number; uncollected: number; unanswered: number; loans: number
  failed: number; accepted?: string; accepted_failed: number; started_at: string; finished_at?: string; actor: string
}
export type Current = {
  closing_date: string; step: string; text: Text; parts: number; parts_finished: number; loans: number; done: number; failed: number
  loan_days: number; working: number; loans_per_second: number; eta_seconds: number
}
export type Status = { business_date: string; business_day: boolean; loans_behind: number; open_payments: number; open_failures: number; current?: Current; runs: Run[] | null }
export type Part = { step: string; no: number; loans: number; done: number; failed: number; loan_days: number; worker?: string; state: 'waiting' | 'working' | 'finished'; updated_at: string; finished_at?: string }
export type Failure = { closing_date: string; loan_id: string; step: string; to: string; code: string; reason: Text; tries: number; first_at: string; last_at: string; resolved_at?: string }
export type StepInfo = { name: string; text: Text; mandatory: boolean }
export type Settings = { steps: string[]; run_at: string; helpers: number; version: number; known: StepInfo[] }

/** What a moved day makes old. */
export const stale = ['/eod', '/jobs', '/session', '/loans']
