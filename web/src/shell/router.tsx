import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router'
import { queryClient } from '../api/hooks'
import { Broken, NotFound, Forbidden } from './ErrorPages'
import { groups, type PageSpec } from './pages'
import { allows, sessionQuery } from './session'

const root = createRootRoute({ component: Outlet, errorComponent: Broken, notFoundComponent: NotFound })

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: lazyRouteComponent(() => import('./Login')),
})

const firstPassword = createRoute({
  getParentRoute: () => root,
  path: '/password',
  component: lazyRouteComponent(() => import('./FirstPassword')),
})

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ location }) => {
    const session = await queryClient.ensureQueryData(sessionQuery)
    if (!session) throw redirect({ href: `/login?next=${encodeURIComponent(location.href)}` })
    if (session.must_change) throw redirect({ href: '/password' })
    return { session }
  },
  component: lazyRouteComponent(() => import('./Shell')),
  errorComponent: Broken,
  notFoundComponent: NotFound,
})

/** Marks a refusal made here, before the page's chunk is even fetched. */
export class NotPermitted extends Error {
  readonly permission: string
  constructor(permission: string) {
    super(permission)
    this.permission = permission
  }
}

function pageRoute(page: PageSpec) {
  return createRoute({
    getParentRoute: () => shell,
    path: page.path,
    component: lazyRouteComponent(page.load),
    beforeLoad: ({ context }) => {
      const session = (context as unknown as { session?: Parameters<typeof allows>[0] }).session
      if (page.need && !allows(session, page.need)) throw new NotPermitted(page.need)
    },
    errorComponent: ({ error, reset }) => (error instanceof NotPermitted ? <Forbidden permission={error.permission} /> : <Broken error={error} reset={reset} />),
    notFoundComponent: NotFound,
  })
}

const seen = new Set<string>()
const pages = groups.flatMap((group) => group.pages).filter((page) => !seen.has(page.path) && seen.add(page.path))

export const router = createRouter({
  routeTree: root.addChildren([login, firstPassword, shell.addChildren(pages.map(pageRoute))]),
  // Addresses hold plain strings; the router's own JSON form would quote every number.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const tail = new URLSearchParams(Object.entries(search).filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => [name, String(value)])).toString()
    return tail ? `?${tail}` : ''
  },
  defaultPreload: false,
  scrollRestoration: true,
})
