import { keepPreviousData, QueryClient, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { App } from 'antd'
import { useCallback, useRef, useState } from 'react'
import { get, newKey, send, type Method, type Query } from './client'
import { asProblem, Problem } from './problem'
import { useProblemToast } from './toast'

export type Page<T> = { items: T[] | null; next_cursor?: string; total?: number }

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: true,
      // A refusal stays a refusal; only a silent or busy server is worth asking again.
      retry: (count, error) => count < 2 && error instanceof Problem && (error.offline || error.status >= 502),
    },
  },
})

/** Reads one resource. The path and the query are the cache key, so invalidating by path prefix works. */
export function useGet<T>(path: string | undefined, query?: Query, options: { every?: number | ((data: T | undefined) => number | false) } = {}): UseQueryResult<T, Error> {
  return useQuery<T, Error>({
    queryKey: [path, query ?? {}],
    queryFn: ({ signal }) => get<T>(path!, query, signal),
    enabled: path !== undefined,
    placeholderData: keepPreviousData,
    ...(options.every === undefined ? {} : { refetchInterval: typeof options.every === 'function' ? (q) => (options.every as (d: T | undefined) => number | false)(q.state.data as T | undefined) : options.every }),
  })
}

export function useInvalidate(): (...prefixes: string[]) => Promise<void> {
  const client = useQueryClient()
  return useCallback(
    async (...prefixes) => {
      await client.invalidateQueries({ predicate: ({ queryKey }) => typeof queryKey[0] === 'string' && prefixes.some((prefix) => (queryKey[0] as string).startsWith(prefix)) })
    },
    [client],
  )
}

export type ActionOptions<T> = {
  method?: Method
  /** Path prefixes whose data the change makes stale. */
  stale?: string[]
  done?: string
  onDone?: (data: T) => void
  onProblem?: (problem: Problem) => boolean | void
}
export type Act = { path: string; body?: unknown; method?: Method; etag?: string }

/**
 * One kind of change the user can make. While it runs a second click does nothing; when its outcome
 * stays unknown the same intention keeps its key, so that pressing again cannot do it twice.
 */
export function useAction<T = unknown>(options: ActionOptions<T> = {}): { run: (act: Act) => Promise<T | undefined>; busy: boolean } {
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const pending = useRef<{ intent: string; key: string } | undefined>(undefined)
  const invalidate = useInvalidate()
  const { message } = App.useApp()
  const toast = useProblemToast()
  const run = async (act: Act): Promise<T | undefined> => {
    if (running.current) return undefined
    running.current = true
    setBusy(true)
    const method = act.method ?? options.method ?? 'POST'
    const intent = JSON.stringify([method, act.path, act.body ?? null])
    if (pending.current?.intent !== intent) pending.current = { intent, key: newKey() }
    try {
      const answer = await send<T>(method, act.path, { body: act.body, key: pending.current.key, ...(act.etag ? { etag: act.etag } : {}) })
      pending.current = undefined
      if (options.stale) await invalidate(...options.stale)
      if (options.done) message.success(options.done)
      options.onDone?.(answer.data)
      return answer.data
    } catch (error) {
      const problem = asProblem(error)
      if (!problem.offline && problem.status < 500) pending.current = undefined
      if (options.onProblem?.(problem) !== true) toast(problem)
      return undefined
    } finally {
      running.current = false
      setBusy(false)
    }
  }
  return { run, busy }
}
