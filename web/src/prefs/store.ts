import { useSyncExternalStore } from 'react'

/** What one browser remembers of its user's taste. The server never needs it. */
export type Prefs = {
  lang: 'zh' | 'en'
  theme: 'system' | 'light' | 'dark'
  density: 'large' | 'middle' | 'small'
  folded: boolean
  /** Hidden columns by table name. */
  hidden: Record<string, string[]>
}

const KEY = 'capillary.prefs'

function initial(): Prefs {
  const lang = typeof navigator !== 'undefined' && /^zh/i.test(navigator.language) ? 'zh' : 'en'
  const base: Prefs = { lang, theme: 'system', density: 'middle', folded: false, hidden: {} }
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    return typeof stored === 'object' && stored !== null ? { ...base, ...stored } : base
  } catch {
    return base // Private mode, or a value written by something else: taste is not worth an error.
  }
}

let current = initial()
const listeners = new Set<() => void>()

export function readPrefs(): Prefs {
  return current
}

export function setPrefs(patch: Partial<Prefs>): void {
  current = { ...current, ...patch }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // Storage may be full or forbidden; the choice then lasts until the tab closes.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function usePrefs(): Prefs {
  return useSyncExternalStore(subscribe, readPrefs, readPrefs)
}

const darkQuery = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined

/** Whether the screen is dark now: the user's choice, or the system's when the user left it to the system. */
export function useDark(): boolean {
  const { theme } = usePrefs()
  const system = useSyncExternalStore(
    (listener) => {
      darkQuery?.addEventListener('change', listener)
      return () => darkQuery?.removeEventListener('change', listener)
    },
    () => darkQuery?.matches ?? false,
    () => false,
  )
  return theme === 'system' ? system : theme === 'dark'
}
