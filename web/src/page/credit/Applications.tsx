import { Button, Card, Segmented, Skeleton } from 'antd'
import { useState } from 'react'
import { useGet, type Page } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useGo, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { DataTable } from '../../widget/DataTable'
import { instant, money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, Money, Rate, StateTag, useText, type Tone } from '../../widget/values'
import { ApplicationForm } from './ApplicationForm'
import { states, type Application, type Lane } from './applicationTypes'
import { applicationWords } from './applicationWords'

const tones: Record<string, Tone> = { submitted: 'busy', referred: 'warn', approved: 'good', offered: 'busy', accepted: 'good', contracted: 'good', drawn: 'good', declined: 'bad' }

export function ApplicationState({ state }: { state: string }) {
  const say = useWords(applicationWords)
  const known = states.find((one) => one === state)
  return <StateTag text={known ? say(known) : state} tone={tones[state] ?? 'plain'} />
}

function LaneCards({ lane }: { lane: Lane }) {
  const say = useWords(applicationWords)
  const go = useGo()
  const cards = useGet<Page<Application>>('/applications', { state: lane.state, limit: 8 })
  if (lane.count > 0 && cards.isLoading) return <Skeleton active paragraph={{ rows: 2 }} />
  return (
    <>
      {(cards.data?.items ?? []).map((one) => (
        <Card key={one.id} size="small" hoverable onClick={() => go(`/applications/${one.id}`)} tabIndex={0} role="link" onKeyDown={(event) => event.key === 'Enter' && go(`/applications/${one.id}`)}>
          <b>{one.firm_name}</b>
          <div className="row between"><Money minor={one.approved_minor || one.amount_minor} currency={one.currency} />{one.approved_minor > 0 ? <Rate rate={one.rate} /> : null}</div>
          <div className="muted"><Instant at={one.updated_at} /></div>
        </Card>
      ))}
      {lane.count > 8 ? <A href={`/applications?view=list&state=${lane.state}`}>{say('more', { n: lane.count - 8 })}</A> : null}
    </>
  )
}

function Board() {
  const text = useText()
  const board = useGet<{ states: Lane[] | null }>('/applications/board', undefined, { every: 30_000 })
  return (
    <Async of={board}>
      {(data) => (
        <div className="board" data-testid="board">
          {(data.states ?? []).filter((lane) => lane.count > 0 || !['withdrawn', 'expired', 'declined', 'submitted'].includes(lane.state)).map((lane) => (
            <section key={lane.state} className="board-lane" aria-label={text(lane.name)}>
              <div className="row between"><b>{text(lane.name)}</b><span className="num muted">{lane.count} · <Money minor={lane.amount_minor} short /></span></div>
              <LaneCards lane={lane} />
            </section>
          ))}
        </div>
      )}
    </Async>
  )
}

export function ApplicationTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(applicationWords)
  const lang = useLang()
  const text = useText()
  return (
    <DataTable<Application>
      name={name}
      path="/applications"
      rowKey={(row) => row.id}
      href={(row) => `/applications/${row.id}`}
      empty={{ text: say('noApplications') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      filters={[
        ...(fixed ? [] : [{ kind: 'text' as const, name: 'q', label: say('search') }]),
        { kind: 'choice', name: 'state', label: say('state'), options: states.map((value) => ({ value, label: say(value) })) },
      ]}
      columns={[
        { key: 'firm', title: say('firm'), text: (row) => row.firm_name, render: (row) => <b>{row.firm_name}</b> },
        { key: 'product', title: say('product'), text: (row) => row.product_id },
        { key: 'amount', title: say('amount'), numeric: true, text: (row) => money(row.amount_minor, row.currency), render: (row) => <Money minor={row.amount_minor} currency={row.currency} /> },
        { key: 'approved', title: say('approvedAmount'), numeric: true, text: (row) => (row.approved_minor > 0 ? money(row.approved_minor, row.currency) : ''), render: (row) => (row.approved_minor > 0 ? <Money minor={row.approved_minor} currency={row.currency} /> : '—') },
        { key: 'rate', title: say('rate'), numeric: true, text: (row) => (row.approved_minor > 0 ? percent(row.rate) : '') },
        { key: 'state', title: say('state'), text: (row) => text(row.state_name), render: (row) => <ApplicationState state={row.state} /> },
        { key: 'updated', title: say('updated'), text: (row) => instant(row.updated_at, lang), render: (row) => <Instant at={row.updated_at} /> },
      ]}
    />
  )
}

export default function Applications() {
  const say = useWords(applicationWords)
  const may = useMay()
  const [url, setUrl] = useUrlState()
  const [adding, setAdding] = useState(false)
  const view = url.view === 'list' ? 'list' : 'board'
  return (
    <div className="page">
      <PageHeader title={say('applications')} hint={say('applicationsHint')} actions={<><Segmented value={view} onChange={(next) => setUrl({ view: next === 'list' ? 'list' : undefined }, true)} options={[{ value: 'board', label: say('board') }, { value: 'list', label: say('list') }]} />{may('application.write') ? <Button type="primary" onClick={() => setAdding(true)}>{say('add')}</Button> : null}</>} />
      {view === 'board' ? <Board /> : <ApplicationTable name="applications" />}
      {adding ? <ApplicationForm onClose={() => setAdding(false)} /> : null}
    </div>
  )
}
