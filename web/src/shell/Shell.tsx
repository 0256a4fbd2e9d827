import BellOutlined from '@ant-design/icons/BellOutlined'
import MenuOutlined from '@ant-design/icons/MenuOutlined'
import SearchOutlined from '@ant-design/icons/SearchOutlined'
import SyncOutlined from '@ant-design/icons/SyncOutlined'
import UserOutlined from '@ant-design/icons/UserOutlined'
import { Outlet, useLocation } from '@tanstack/react-router'
import { Alert, Badge, Button, Drawer, Dropdown, Grid, Layout, Menu, type MenuProps } from 'antd'
import { lazy, Suspense, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { call } from '../api/client'
import { queryClient, useGet } from '../api/hooks'
import { useLang, useWords } from '../i18n/words'
import { setPrefs, useDark, usePrefs } from '../prefs/store'
import { roleName } from '../page/admin/roleWords'
import { menuIcon, Logo } from './icons'
import { useGo } from './go'
import { groups } from './pages'
import { LanguageSwitch, ThemeSwitch } from './Preferences'
import { allows, sessionQuery, useSession } from './session'
import { shellWords } from './words'

const SearchBox = lazy(() => import('./SearchBox'))
const JobDrawer = lazy(() => import('./JobDrawer'))

function useMenu(): MenuProps['items'] {
  const session = useSession()
  const say = useWords(shellWords)
  return useMemo(
    () =>
      groups.flatMap((group) => {
        const children = group.pages.filter((page) => page.menu && allows(session, page.need)).map((page) => ({ key: page.path, label: say(page.menu!) }))
        return children.length > 0 ? [{ key: `group:${group.title}`, icon: menuIcon(group.icon), label: say(group.title), children }] : []
      }),
    [session, say],
  )
}

/** The menu entry of the open page: the longest menu path that its address starts with. */
function selectedPath(pathname: string): string {
  const paths = groups.flatMap((group) => group.pages.filter((page) => page.menu).map((page) => page.path))
  return paths.filter((path) => path === pathname || (path !== '/' && pathname.startsWith(path + '/'))).sort((a, b) => b.length - a.length)[0] ?? ''
}

function SideMenu({ onPick }: { onPick?: () => void }) {
  const go = useGo()
  const { pathname } = useLocation()
  const items = useMenu()
  const selected = selectedPath(pathname)
  const open = groups.filter((group) => group.title === 'work' || group.pages.some((page) => page.path === selected)).map((group) => `group:${group.title}`)
  return (
    <Menu
      mode="inline"
      items={items ?? []}
      selectedKeys={[selected]}
      defaultOpenKeys={open}
      style={{ borderInlineEnd: 0, paddingBottom: 24 }}
      onClick={({ key }) => {
        go(key)
        onPick?.()
      }}
    />
  )
}

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      addEventListener('online', listener)
      addEventListener('offline', listener)
      return () => {
        removeEventListener('online', listener)
        removeEventListener('offline', listener)
      }
    },
    () => navigator.onLine,
  )
}

function UserMenu() {
  const session = useSession()
  const say = useWords(shellWords)
  const go = useGo()
  const lang = useLang()
  const signOut = async () => {
    await call('DELETE', '/session').catch(() => undefined)
    queryClient.clear()
    queryClient.setQueryData(sessionQuery.queryKey, null)
    go('/login', true)
  }
  const where = [lang === 'zh' ? session.institution_name : session.institution_name_en || session.institution_name, session.branch_name].filter(Boolean).join(' · ')
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'who', disabled: true, label: <div style={{ maxWidth: 240 }}><b>{session.name || session.login}</b><div className="muted">{where}</div><div className="muted">{session.roles.map((role) => roleName(lang, role)).join(lang === 'zh' ? '、' : ', ')}</div></div> },
          { type: 'divider' },
          { key: 'security', label: say('security') },
          { key: 'out', label: say('signOut'), danger: true },
        ],
        onClick: ({ key }) => (key === 'out' ? void signOut() : go('/security')),
      }}
    >
      <Button type="text" icon={<UserOutlined />} aria-label={session.name} data-testid="user-menu" />
    </Dropdown>
  )
}

function Bell() {
  const say = useWords(shellWords)
  const go = useGo()
  const { data } = useGet<{ unread: number }>('/notifications', { unread: true, limit: 1 }, { every: 60_000 })
  return (
    <Badge count={data?.unread ?? 0} size="small" offset={[-6, 6]}>
      <Button type="text" icon={<BellOutlined />} aria-label={say('notifications')} onClick={() => go('/notifications')} />
    </Badge>
  )
}

export default function Shell() {
  const session = useSession()
  const say = useWords(shellWords)
  const { folded } = usePrefs()
  const dark = useDark()
  const wide = Grid.useBreakpoint().lg !== false
  const [menu, setMenu] = useState(false)
  const [search, setSearch] = useState(false)
  const [jobs, setJobs] = useState(false)
  const online = useOnline()

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setSearch(true)
      }
    }
    const showJobs = () => setJobs(true)
    addEventListener('keydown', press)
    addEventListener('capillary:jobs', showJobs)
    return () => {
      removeEventListener('keydown', press)
      removeEventListener('capillary:jobs', showJobs)
    }
  }, [])

  const brand = <div className="brand"><Logo />{folded && wide ? null : <span>{say('brand')}</span>}</div>
  return (
    <Layout style={{ minHeight: '100%' }}>
      <a className="skip" href="#main">{say('skip')}</a>
      {wide ? (
        <Layout.Sider theme={dark ? 'dark' : 'light'} width={224} collapsedWidth={64} collapsed={folded} style={{ position: 'sticky', top: 0, height: '100vh', overflowY: 'auto', background: dark ? '#111716' : '#fff' }}>
          {brand}
          <SideMenu key={String(folded)} />
        </Layout.Sider>
      ) : (
        <Drawer open={menu} onClose={() => setMenu(false)} placement="left" size={264} title={<div className="row"><Logo size={22} />{say('brand')}</div>} styles={{ body: { padding: 0 } }}>
          <SideMenu onPick={() => setMenu(false)} />
        </Drawer>
      )}
      <Layout style={{ minWidth: 0, background: 'transparent' }}>
        <Layout.Header style={{ position: 'sticky', top: 0, zIndex: 20, display: 'flex', alignItems: 'center', gap: 2, background: dark ? '#111716' : '#fff', borderBottom: '1px solid var(--line)', padding: '0 8px' }}>
          <Button type="text" icon={<MenuOutlined />} aria-label={say('menu')} data-testid="menu" onClick={() => (wide ? setPrefs({ folded: !folded }) : setMenu(true))} />
          <Button type="text" icon={<SearchOutlined />} onClick={() => setSearch(true)} data-testid="search" aria-label={say('search')}>{wide ? <>{say('search')} <kbd className="muted">Ctrl K</kbd></> : null}</Button>
          <div style={{ flex: 1 }} />
          {wide && session.business_date ? <span className="muted num" style={{ marginInlineEnd: 8, lineHeight: 1 }}>{say('businessDate', { date: session.business_date })}</span> : null}
          <Button type="text" icon={<SyncOutlined />} aria-label={say('running')} onClick={() => setJobs(true)} data-testid="jobs" />
          <Bell />
          <LanguageSwitch />
          <ThemeSwitch />
          <UserMenu />
        </Layout.Header>
        {session.demo ? <Alert banner type="warning" title={say('demo')} data-testid="demo-banner" /> : null}
        {online ? null : <Alert banner type="error" title={say('offlineBar')} />}
        <Layout.Content id="main" tabIndex={-1} style={{ outline: 'none', minWidth: 0 }}>
          <Outlet />
        </Layout.Content>
      </Layout>
      <Suspense fallback={null}>
        {search ? <SearchBox onClose={() => setSearch(false)} /> : null}
        {jobs ? <JobDrawer onClose={() => setJobs(false)} /> : null}
      </Suspense>
    </Layout>
  )
}
