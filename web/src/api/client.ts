import { readPrefs } from '../prefs/store'
import { offlineProblem, Problem, problemFrom } from './problem'

export type Query = Record<string, string | number | boolean | undefined>
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type CallOptions = {
  query?: Query
  body?: unknown
  /** The key of one intention of the user; the same key is sent again when the call is tried again. */
  key?: string
  /** The version the user saw; the server refuses when someone else changed it since. */
  etag?: string
  signal?: AbortSignal
}
export type Answer<T> = { data: T; etag?: string }

const ROOT = '/api/v1'

export function urlOf(path: string, query?: Query): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') params.set(name, String(value))
  }
  const tail = params.toString()
  return ROOT + path + (tail ? `?${tail}` : '')
}

const signedOut = new Set<() => void>()
/** Tells when the server says that the session has ended. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => signedOut.delete(listener)
}

export function newKey(): string {
  // randomUUID exists only in secure contexts; a branch may open the console over plain http in its own network.
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language() }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.key) headers['Idempotency-Key'] = options.key
  if (options.etag) headers['If-Match'] = options.etag
  let response: Response
  try {
    response = await fetch(urlOf(path, options.query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw offlineProblem()
  }
  return read<T>(response.status, await response.text(), path, response.headers.get('ETag') ?? undefined)
}

function read<T>(status: number, body: string, path: string, etag?: string): Answer<T> {
  let parsed: unknown
  try {
    parsed = body === '' ? undefined : JSON.parse(body)
  } catch {
    throw problemFrom(status, undefined)
  }
  if (status >= 400) {
    if (status === 401 && path !== '/session') for (const listener of signedOut) listener()
    throw problemFrom(status, parsed)
  }
  return { data: parsed as T, ...(etag ? { etag } : {}) }
}

function language(): string {
  return readPrefs().lang === 'zh' ? 'zh-CN' : 'en'
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await call<T>('GET', path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) })).data
}

const TRIES = 4

/**
 * Sends a change, trying again with the same key while the outcome is unknown (no answer, or the server
 * says "later"). The server replays the stored answer, so a change is made once however often it is sent.
 */
export async function send<T>(method: Method, path: string, options: CallOptions, pause = wait): Promise<Answer<T>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call<T>(method, path, options)
    } catch (error) {
      const unsure = error instanceof Problem && (error.offline || error.status === 503)
      if (!unsure || attempt === TRIES) throw error
      await pause(300 * 2 ** attempt)
    }
  }
}

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** Uploads a file with progress; fetch cannot report it. */
export function upload<T>(path: string, form: FormData, key: string, onProgress: (done: number, total: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', urlOf(path))
    request.setRequestHeader('Accept', 'application/json')
    request.setRequestHeader('Accept-Language', language())
    request.setRequestHeader('Idempotency-Key', key)
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total)
    request.onerror = () => reject(offlineProblem())
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'))
    request.onload = () => {
      try {
        resolve(read<T>(request.status, request.responseText, path).data)
      } catch (error) {
        reject(error)
      }
    }
    signal?.addEventListener('abort', () => request.abort())
    request.send(form)
  })
}
