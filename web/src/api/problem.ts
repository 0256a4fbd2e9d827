import { sayNow } from '../i18n/words'
import { apiWords } from './words'

/** One field or row of the request that the server refused. */
export type ProblemItem = { field?: string; row?: number; location?: string; message: string }

/** An RFC 9457 answer of the server: what went wrong, its stable code, and what to do about it. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly remedy: string
  readonly items: ProblemItem[]

  constructor(status: number, code: string, message: string, remedy: string, items: ProblemItem[] = []) {
    super(message)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.remedy = remedy
    this.items = items
  }

  /** Whether the server never answered, so that the outcome is unknown. */
  get offline(): boolean {
    return this.status === 0
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Reads a problem body. Anything may stand there (a proxy's page, nothing), so nothing is assumed. */
export function problemFrom(status: number, body: unknown): Problem {
  const say = sayNow(apiWords)
  if (typeof body !== 'object' || body === null) {
    return new Problem(status, '', say('unreadable', { status }), say('unreadableRemedy'))
  }
  const map = body as Record<string, unknown>
  const items = Array.isArray(map.errors) ? map.errors.flatMap(itemFrom) : []
  // The sentence for people is the reason; title and detail are what is left when an old proxy strips it.
  const message = text(map.reason) || text(map.detail) || text(map.title) || say('unreadable', { status })
  return new Problem(status, text(map.code), message, text(map.remedy), items)
}

function itemFrom(raw: unknown): ProblemItem[] {
  if (typeof raw !== 'object' || raw === null) return []
  const map = raw as Record<string, unknown>
  const message = text(map.message)
  if (message === '') return []
  const field = text(map.field) || text(map.location).replace(/^body\./, '')
  return [{ message, ...(field ? { field } : {}), ...(typeof map.row === 'number' && map.row > 0 ? { row: map.row } : {}) }]
}

export function offlineProblem(): Problem {
  const say = sayNow(apiWords)
  return new Problem(0, 'OFFLINE', say('offline'), say('offlineRemedy'))
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem(500, 'CONSOLE', error instanceof Error ? error.message : String(error), '')
}
