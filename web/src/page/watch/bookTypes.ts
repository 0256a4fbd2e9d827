export type BookLine = { id: string; firm_name?: string; grade: string; pd: number; min_minor: number; max_minor: number; outcome: string; amount_minor: number; rate: string; churn: number; margin: number; use_minor: number; loss_minor: number; profit_minor: number }
export type Book = { method: string; currency: string; lines: BookLine[] | null; budget_minor: number; amount_minor: number; use_minor: number; loss_minor: number; profit_minor: number; firms: number; shadow_price: number; bound_minor: number; gap: number; exact: boolean }
export type FrontierPoint = { budget_minor: number; amount_minor: number; use_minor: number; loss_minor: number; profit_minor: number; firms: number; shadow_price: number; aversion: number }
export type Frontier = { by_budget: FrontierPoint[] | null; by_loss: FrontierPoint[] | null }
export type Optimised = { book: Book; baselines?: Book[] | null; frontier?: Frontier }
