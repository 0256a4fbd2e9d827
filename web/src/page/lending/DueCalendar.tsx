import LeftOutlined from '@ant-design/icons/LeftOutlined'
import RightOutlined from '@ant-design/icons/RightOutlined'
import { Button, Card, Empty, Grid, Segmented, Statistic, Table } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { DataTable } from '../../widget/DataTable'
import { count, money, moneyShort } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Money, StateTag } from '../../widget/values'
import { dueWords } from './dueWords'

type Sums = { instalments: number; expected_minor: number; received_minor: number; overdue_minor: number }
type Amount = Sums & { currency: string }
type Cell = { from: string; until: string; rest_day: boolean; currencies: Amount[] }
type Group = Amount & { id: string; name: string }
export type Calendar = { business_date: string; unit: Unit; from: string; until: string; cells: Cell[]; totals: Amount[]; branches: Group[]; products: Group[] }
export type DueItem = { loan_id: string; no: number; due_date: string; principal_minor: number; interest_minor: number; total_minor: number; paid_minor: number; cleared_on?: string; overdue: boolean; currency: string; firm_id: string; firm_name: string; reference: string }
type Unit = 'day' | 'week' | 'month'

const iso = (day: Dayjs) => day.format('YYYY-MM-DD')
const monday = (day: Dayjs) => day.subtract((day.day() + 6) % 7, 'day')

/** The period that a unit shows: a month of days, thirteen weeks, a year of months. */
function span(unit: Unit, at: Dayjs): [Dayjs, Dayjs] {
  if (unit === 'day') return [at.startOf('month'), at.endOf('month')]
  if (unit === 'week') return [monday(at), monday(at).add(13 * 7 - 1, 'day')]
  return [at.startOf('month'), at.startOf('month').add(12, 'month').subtract(1, 'day')]
}

function step(unit: Unit, at: Dayjs, by: number): Dayjs {
  return unit === 'day' ? at.add(by, 'month') : unit === 'week' ? at.add(13 * by, 'week') : at.add(by, 'year')
}

function CellView({ cell, unit, chosen, today, wide, onChoose }: { cell: Cell; unit: Unit; chosen: boolean; today: string; wide: boolean; onChoose: () => void }) {
  const say = useWords(dueWords)
  const lang = useLang()
  const now = cell.from <= today && today <= cell.until
  const label = unit === 'day' ? (wide ? String(dayjs(cell.from).date()) : cell.from.slice(5)) : unit === 'week' ? `${cell.from.slice(5)} – ${cell.until.slice(5)}` : cell.from.slice(0, 7)
  return (
    <button type="button" onClick={onChoose} aria-pressed={chosen} aria-label={`${cell.from} ${cell.currencies.map((one) => money(one.expected_minor, one.currency)).join(' ')}`} data-testid={`due-${cell.from}`} style={{ textAlign: 'start', font: 'inherit', color: 'inherit', background: cell.rest_day ? 'var(--hover, rgba(128,128,128,0.08))' : 'transparent', border: chosen ? '2px solid #0f9d8f' : now ? '2px solid rgba(15,157,143,0.45)' : '1px solid var(--border, rgba(128,128,128,0.25))', borderRadius: 6, padding: 6, minHeight: wide ? 78 : 48, minWidth: 0, cursor: 'pointer', overflow: 'hidden' }}>
      <span className="row between" style={{ flexWrap: 'nowrap' }}><b className="num">{label}</b>{cell.rest_day ? <span className="muted">{say('rest')}</span> : null}</span>
      {cell.currencies.map((one) => (
        <span key={one.currency} style={{ display: 'block' }} className="num">
          {moneyShort(one.expected_minor, lang, one.currency)} <span className="muted">×{one.instalments}</span>
          {one.overdue_minor > 0 ? <span style={{ display: 'block', color: '#d4380d' }}>{say('overdue')} {moneyShort(one.overdue_minor, lang, one.currency)}</span> : one.received_minor > 0 ? <span style={{ display: 'block', color: '#389e0d' }}>{say('received')} {moneyShort(one.received_minor, lang, one.currency)}</span> : null}
        </span>
      ))}
    </button>
  )
}

function Groups({ title, groups, chosen, onChoose }: { title: string; groups: Group[]; chosen: string | undefined; onChoose: (id: string | undefined) => void }) {
  const say = useWords(dueWords)
  if (groups.length === 0) return null
  return (
    <Card size="small" title={title}>
      <Table<Group> size="small" rowKey={(row) => row.id + row.currency} pagination={{ pageSize: 10, hideOnSinglePage: true }} dataSource={groups} scroll={{ x: 'max-content' }} columns={[
        { title, render: (_, row) => <Button type={chosen === row.id ? 'primary' : 'link'} size="small" onClick={() => onChoose(chosen === row.id ? undefined : row.id)}>{row.name || row.id}</Button> },
        { title: say('instalments'), dataIndex: 'instalments', align: 'right', className: 'num' },
        { title: say('expected'), align: 'right', render: (_, row) => <Money minor={row.expected_minor} currency={row.currency} /> },
        { title: say('received'), align: 'right', render: (_, row) => <Money minor={row.received_minor} currency={row.currency} /> },
        { title: say('overdue'), align: 'right', render: (_, row) => <Money minor={row.overdue_minor} currency={row.currency} /> },
      ]} />
    </Card>
  )
}

function Items({ from, until, today, fixed }: { from: string; until: string; today: string; fixed: Record<string, string> }) {
  const say = useWords(dueWords)
  const state = (row: DueItem) => (row.cleared_on ? say('cleared') : row.overdue ? say('overdue') : row.due_date < today ? say('open') : row.due_date === today ? say('dueToday') : say('planned'))
  return (
    <DataTable<DueItem>
      name="due-items"
      path="/due-items"
      fixed={{ ...fixed, from, until }}
      rowKey={(row) => `${row.loan_id}/${row.no}`}
      href={(row) => `/loans/${row.loan_id}`}
      empty={{ text: say('nothing') }}
      filters={[{ kind: 'choice', name: 'state', label: say('state'), options: (['open', 'overdue', 'cleared'] as const).map((value) => ({ value, label: say(value) })) }]}
      columns={[
        { key: 'due', title: say('dueDate'), text: (row) => row.due_date, render: (row) => <DateText date={row.due_date} /> },
        { key: 'firm', title: say('firm'), text: (row) => row.firm_name, render: (row) => <A href={`/firms/${row.firm_id}`}>{row.firm_name || row.firm_id}</A> },
        { key: 'loan', title: say('loan'), text: (row) => row.reference || row.loan_id, render: (row) => row.reference || <Id id={row.loan_id} /> },
        { key: 'no', title: say('no'), numeric: true, text: (row) => String(row.no) },
        { key: 'principal', title: say('principal'), numeric: true, extra: true, text: (row) => money(row.principal_minor, row.currency, false) },
        { key: 'interest', title: say('interest'), numeric: true, extra: true, text: (row) => money(row.interest_minor, row.currency, false) },
        { key: 'total', title: say('total'), numeric: true, text: (row) => money(row.total_minor, row.currency, false), render: (row) => <Money minor={row.total_minor} currency={row.currency} /> },
        { key: 'paid', title: say('paid'), numeric: true, text: (row) => money(row.paid_minor, row.currency, false), render: (row) => <Money minor={row.paid_minor} currency={row.currency} /> },
        { key: 'state', title: say('state'), text: state, render: (row) => <StateTag text={state(row)} tone={row.cleared_on ? 'good' : row.overdue ? 'bad' : row.due_date <= today ? 'warn' : 'plain'} /> },
      ]}
    />
  )
}

export default function DueCalendar() {
  const say = useWords(dueWords)
  const lang = useLang()
  const wide = Grid.useBreakpoint().md !== false
  const [url, setUrl] = useUrlState()
  const unit: Unit = url.unit === 'week' || url.unit === 'month' ? url.unit : 'day'
  const home = useGet<Calendar>(url.at ? undefined : '/due-calendar', { unit: 'day' })
  const at = url.at ?? home.data?.business_date
  const [from, until] = at ? span(unit, dayjs(at)) : [undefined, undefined]
  const fixed = { ...(url.product ? { product_id: url.product } : {}), ...(url.branch ? { branch_id: url.branch } : {}) }
  const found = useGet<Calendar>(from && until ? '/due-calendar' : undefined, from && until ? { unit, from: iso(from), until: iso(until), ...fixed } : undefined)
  const choose = (patch: Record<string, string | undefined>) => setUrl({ cursor: undefined, ...patch })
  return (
    <div className="page">
      <PageHeader title={say('calendar')} hint={say('calendarHint')} actions={<>
        <Segmented<Unit> value={unit} onChange={(value) => choose({ unit: value, cell: undefined })} options={(['day', 'week', 'month'] as const).map((value) => ({ value, label: say(value) }))} />
        <Button icon={<LeftOutlined />} aria-label={say('earlier')} disabled={!at} onClick={() => choose({ at: iso(step(unit, dayjs(at), -1)), cell: undefined })} />
        <Button onClick={() => choose({ at: undefined, cell: undefined })}>{say('today')}</Button>
        <Button icon={<RightOutlined />} aria-label={say('later')} disabled={!at} onClick={() => choose({ at: iso(step(unit, dayjs(at), 1)), cell: undefined })} />
      </>} />
      <Async of={found.data === undefined && home.error ? home : found}>
        {(data) => {
          const cell = data.cells.find((one) => one.from === url.cell)
          const lead = unit === 'day' && wide ? (dayjs(data.from).day() + 6) % 7 : 0
          return (
            <div className="stack">
              <b className="num">{data.from} – {data.until}</b>
              {data.totals.length === 0 ? <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('nothing')} /> : null}
              {data.totals.map((one) => (
                <div key={one.currency} className="tiles">
                  <Card size="small"><Statistic title={say('expected')} value={money(one.expected_minor, one.currency)} /></Card>
                  <Card size="small"><Statistic title={say('received')} value={money(one.received_minor, one.currency)} /></Card>
                  <Card size="small"><Statistic title={say('overdue')} value={money(one.overdue_minor, one.currency)} {...(one.overdue_minor > 0 ? { styles: { content: { color: '#d4380d' } } } : {})} /></Card>
                  <Card size="small"><Statistic title={say('instalments')} value={count(one.instalments, lang)} /></Card>
                </div>
              ))}
              <div style={{ display: 'grid', gap: 6, gridTemplateColumns: unit === 'day' && wide ? 'repeat(7, minmax(0, 1fr))' : 'repeat(auto-fill, minmax(140px, 1fr))' }}>
                {unit === 'day' && wide ? say('weekdays').split(',').map((name) => <div key={name} className="muted" style={{ textAlign: 'center' }}>{name}</div>) : null}
                {Array.from({ length: lead }, (_, n) => <div key={`lead${n}`} />)}
                {data.cells.filter((one) => wide || one.currencies.length > 0).map((one) => <CellView key={one.from} cell={one} unit={unit} chosen={one.from === cell?.from} today={data.business_date} wide={wide} onChoose={() => choose({ cell: one.from === cell?.from ? undefined : one.from })} />)}
              </div>
              <div className="grid">
                <Groups title={say('branch')} groups={data.branches} chosen={url.branch} onChoose={(id) => choose({ branch: id })} />
                <Groups title={say('product')} groups={data.products} chosen={url.product} onChoose={(id) => choose({ product: id })} />
              </div>
              <Card size="small" title={`${say('details')} · ${cell ? `${cell.from}${cell.until === cell.from ? '' : ` – ${cell.until}`}` : say('whole')}`}><Items from={cell?.from ?? data.from} until={cell?.until ?? data.until} today={data.business_date} fixed={fixed} /></Card>
            </div>
          )
        }}
      </Async>
    </div>
  )
}
