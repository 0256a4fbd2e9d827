import { Card, Col, Row, Skeleton, Statistic } from 'antd'
import { lazy, Suspense, type ReactNode } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useGo } from '../../shell/go'
import { useMay, useSession } from '../../shell/session'
import { count, moneyShort } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { useText, type Text } from '../../widget/values'
import { TaskTable } from '../work/Tasks'
import { homeWords } from './words'

const SignalTable = lazy(() => import('../watch/SignalTable').then((module) => ({ default: module.SignalTable })))

type Counted = { total?: number; overdue?: number }

function greeting(hour: number): 'morning' | 'afternoon' | 'evening' {
  return hour < 12 ? 'morning' : hour < 18 ? 'afternoon' : 'evening'
}

function Tile({ title, value, href, alarm }: { title: string; value: ReactNode; href: string; alarm?: boolean }) {
  const go = useGo()
  return <Card size="small" hoverable onClick={() => go(href)} tabIndex={0} role="link" onKeyDown={(event) => event.key === 'Enter' && go(href)}><Statistic title={title} valueRender={() => <span className="num" style={alarm ? { color: '#d4380d' } : {}}>{value}</span>} /></Card>
}

/** The count of a list, as its own endpoint says it. */
function useTotal(path: string | undefined, query: Record<string, string> = {}): number | undefined {
  return useGet<Counted>(path, { ...query, limit: 1 }, { every: 60_000 }).data?.total
}

function Pipeline() {
  const say = useWords(homeWords)
  const text = useText()
  const lang = useLang()
  const go = useGo()
  const board = useGet<{ states: { state: string; name: Text; count: number; amount_minor: number }[] | null }>('/applications/board')
  const lanes = (board.data?.states ?? []).filter((lane) => lane.count > 0)
  return (
    <Card size="small" title={say('applications')} extra={<A href="/applications">{say('all')}</A>} loading={board.isLoading}>
      {lanes.length === 0 ? <span className="muted">{say('nothing')}</span> : <div className="tiles">{lanes.map((lane) => <div key={lane.state} className="clickable" style={{ padding: 6, borderRadius: 6 }} role="link" tabIndex={0} onClick={() => go(`/applications?view=list&state=${lane.state}`)} onKeyDown={(event) => event.key === 'Enter' && go(`/applications?view=list&state=${lane.state}`)}><Statistic title={text(lane.name)} value={lane.count} suffix={<small className="muted">{moneyShort(lane.amount_minor, lang)}</small>} /></div>)}</div>}
    </Card>
  )
}

/** What each role needs first: their own queue, then what is moving in their part of the loop. */
export default function Home() {
  const say = useWords(homeWords)
  const lang = useLang()
  const may = useMay()
  const session = useSession()
  const tasks = useGet<Counted>('/tasks', { limit: 1 }, { every: 60_000 })
  const firms = useTotal(may('firm.read') ? '/firms' : undefined)
  const signals = useTotal(may('signal.read') ? '/signals' : undefined)
  const proposals = useTotal('/proposals', { state: 'pending' })
  const jobs = useTotal('/jobs', { state: 'running' })
  const shortcuts = ([
    ['evidence.import', '/imports/new', 'import'], ['portfolio.optimise', '/portfolio/optimiser', 'optimise'], ['model.train', '/models', 'train'], ['eod.run', '/eod', 'eod'], ['user.read', '/users', 'users'], ['audit.read', '/audit', 'audit'],
  ] as const).filter(([need]) => may(need))
  const number = (value: number | undefined) => (value === undefined ? '…' : count(value, lang))
  return (
    <div className="page">
      <PageHeader title={say(greeting(new Date().getHours()), { name: session.name || session.login })} actions={shortcuts.map(([, href, word]) => <A key={href} href={href}>{say(word)}</A>)} />
      <div className="tiles">
        <Tile title={say('openTasks')} value={number(tasks.data?.total)} href="/tasks" />
        <Tile title={say('overdueTasks')} value={number(tasks.data?.overdue)} href="/tasks" alarm={(tasks.data?.overdue ?? 0) > 0} />
        {may('firm.read') ? <Tile title={say('firms')} value={number(firms)} href="/firms" /> : null}
        {may('signal.read') ? <Tile title={say('openSignals')} value={number(signals)} href="/signals" /> : null}
        {(proposals ?? 0) > 0 ? <Tile title={say('pendingProposals')} value={number(proposals)} href="/proposals?state=pending" /> : null}
        <Tile title={say('runningJobs')} value={number(jobs)} href="/jobs" />
      </div>
      <Row gutter={[16, 16]}>
        <Col xs={24} xl={14}><Card size="small" title={say('mine')} extra={<A href="/tasks">{say('all')}</A>}><TaskTable compact /></Card></Col>
        <Col xs={24} xl={10}>
          <div className="stack">
            {may('application.read') ? <Pipeline /> : null}
            {may('signal.read') ? <Card size="small" title={say('signals')} extra={<A href="/signals">{say('all')}</A>}><Suspense fallback={<Skeleton active />}><SignalTable name="signals-home" brief={5} /></Suspense></Card> : null}
          </div>
        </Col>
      </Row>
    </div>
  )
}
