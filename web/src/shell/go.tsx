import { useRouter } from '@tanstack/react-router'
import { useCallback, useMemo, type AnchorHTMLAttributes, type MouseEvent } from 'react'
import { useLocation, useParams } from '@tanstack/react-router'

/** Goes to an address of the console without reloading it. */
export function useGo(): (href: string, replace?: boolean) => void {
  const router = useRouter()
  return useCallback((href, replace) => (replace ? router.history.replace(href) : router.history.push(href)), [router])
}

/** A link inside the console. Ctrl and middle clicks open a tab, as people expect of a link. */
export function A({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const go = useGo()
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    go(href)
  }
  return <a href={href} onClick={click} {...rest} />
}

/** The view of a page that is kept in its address: filters, sort, page, open tab. */
export function useUrlState(): [Record<string, string>, (patch: Record<string, string | undefined>, replace?: boolean) => void] {
  const location = useLocation()
  const go = useGo()
  const params = useMemo(() => Object.fromEntries(new URLSearchParams(location.searchStr)), [location.searchStr])
  const set = useCallback(
    (patch: Record<string, string | undefined>, replace?: boolean) => {
      const next = new URLSearchParams(location.searchStr)
      for (const [name, value] of Object.entries(patch)) value ? next.set(name, value) : next.delete(name)
      const tail = next.toString()
      go(location.pathname + (tail ? `?${tail}` : ''), replace)
    },
    [location.pathname, location.searchStr, go],
  )
  return [params, set]
}

/** The {id} of the page's path. */
export function useId(): string {
  const params: { id?: string } = useParams({ strict: false })
  return params.id ?? ''
}
