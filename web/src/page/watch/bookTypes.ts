import type { Text } from '../../widget/values'

export type BookLine = { id: string; firm_name?: string; grade: string; pd: number; min_minor: number; max_minor: number; outcome: string; amount_minor: number; rate: string; churn: number; margin: number; use_minor: number; loss_minor: number; profit_minor: number }
export type Book = { method: string; currency: string; lines?: BookLine[] | null; budget_minor: number; amount_minor: number; use_minor: number; loss_minor: number; profit_minor: number; firms: number; shadow_price: number; bound_minor: number; gap: number; exact: boolean }
export type FrontierPoint = { budget_minor: number; amount_minor: number; use_minor: number; loss_minor: number; profit_minor: number; firms: number; shadow_price: number; aversion: number }
export type Frontier = { by_budget: FrontierPoint[] | null; by_loss: FrontierPoint[] | null }
export type Optimised = { id: string; book: Book; baselines?: Book[] | null; frontier?: Frontier; curve_source: string; candidates: number; elapsed_ms: number; created_at: string }
export type RunMark = { id: string; budget_minor: number; amount_minor: number; profit_minor: number; firms: number; created_at: string; created_by: string }
export type PortfolioTotals = { firms: number; facilities: number; frozen_facilities: number; limit_minor: number; utilised_minor: number; utilisation: number; weighted_pd: number; outstanding_minor: number; par1_minor: number; par30_minor: number; par90_minor: number; par30: number }
export type PortfolioPart = PortfolioTotals & { key: string; name: Text }
export type Portfolio = { currency: string; total: PortfolioTotals; by_grade: PortfolioPart[] | null; by_industry: PortfolioPart[] | null; by_branch: PortfolioPart[] | null; has_loans: boolean; missing_rates: string[] | null }
