import LeftOutlined from '@ant-design/icons/LeftOutlined'
import RightOutlined from '@ant-design/icons/RightOutlined'
import { Alert, Button, Card, DatePicker, Empty, Statistic, Table } from 'antd'
import dayjs from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useGo, useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { Chart, type ChartOption } from '../../widget/Chart'
import { count, money, share } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Money } from '../../widget/values'
import { ageingWords } from './ageingWords'

type Sums = { loans: number; outstanding_minor: number; due_minor: number }
type Bucket = { no: number; from: number; until?: number }
type Row = Sums & { id: string; name: string; currency: string; overdue_minor: number; over_90_minor: number; buckets: Sums[] }
type Tie = { currency: string; loans_minor: number; ledger_minor: number; difference_minor: number }
type Report = { as_of?: string; taken_at: string; behind: number; buckets: Bucket[]; totals: Row[]; branches: Row[]; products: Row[]; ties: Tie[] }
type Point = { as_of: string; currency: string; loans: number; outstanding_minor: number; overdue_minor: number; over_90_minor: number }

const part = (of: number, whole: number) => share(whole > 0 ? of / whole : 0, 2)

function useBucketName(): (bucket: Bucket) => string {
  const say = useWords(ageingWords)
  return (bucket) => (bucket.no === 0 ? say('notDue') : bucket.until ? `${bucket.from}–${bucket.until} ${say('days')}` : `${bucket.from} ${say('above')}`)
}

/** The spans of one currency; a span opens the loans that stand in it now. */
function Spans({ total, buckets }: { total: Row; buckets: Bucket[] }) {
  const say = useWords(ageingWords)
  const lang = useLang()
  const name = useBucketName()
  const empty = { loans: 0, outstanding_minor: 0, due_minor: 0 }
  const lines = buckets.map((bucket) => ({ bucket, sums: total.buckets[bucket.no] ?? empty }))
  const address = (bucket: Bucket) => `/loans?days_past_due_from=${bucket.from}${bucket.until ? `&days_past_due_until=${bucket.until}` : ''}`
  return (
    <Card size="small" title={`${say('bucket')} · ${total.currency}`}>
      <Table size="small" rowKey={(line) => line.bucket.no} pagination={false} dataSource={lines} scroll={{ x: 'max-content' }} columns={[
        { title: say('bucket'), render: (_, line) => (line.bucket.no > 0 && line.sums.loans > 0 ? <A href={address(line.bucket)}>{name(line.bucket)}</A> : name(line.bucket)) },
        { title: say('loans'), align: 'right', className: 'num', render: (_, line) => count(line.sums.loans, lang) },
        { title: say('outstanding'), align: 'right', render: (_, line) => <Money minor={line.sums.outstanding_minor} currency={total.currency} /> },
        { title: say('share'), align: 'right', className: 'num', render: (_, line) => part(line.sums.outstanding_minor, total.outstanding_minor) },
        { title: say('due'), align: 'right', render: (_, line) => <Money minor={line.sums.due_minor} currency={total.currency} /> },
      ]} />
    </Card>
  )
}

function Groups({ title, rows, buckets }: { title: string; rows: Row[]; buckets: Bucket[] }) {
  const say = useWords(ageingWords)
  const name = useBucketName()
  return (
    <Card size="small" title={title}>
      <Table<Row> size="small" rowKey={(row) => row.id + row.currency} pagination={{ pageSize: 12, hideOnSinglePage: true }} dataSource={rows} scroll={{ x: 'max-content' }} columns={[
        { title, fixed: 'left', render: (_, row) => row.name || row.id },
        { title: say('currency'), dataIndex: 'currency' },
        { title: say('loans'), dataIndex: 'loans', align: 'right', className: 'num' },
        { title: say('outstanding'), align: 'right', render: (_, row) => <Money minor={row.outstanding_minor} currency={row.currency} /> },
        { title: say('overdue'), align: 'right', render: (_, row) => <Money minor={row.overdue_minor} currency={row.currency} /> },
        { title: say('share'), align: 'right', className: 'num', render: (_, row) => part(row.overdue_minor, row.outstanding_minor) },
        ...buckets.filter((bucket) => bucket.no > 0).map((bucket) => ({ title: name(bucket), align: 'right' as const, render: (_: unknown, row: Row) => <Money minor={row.buckets[bucket.no]?.outstanding_minor ?? 0} currency={row.currency} /> })),
      ]} />
    </Card>
  )
}

function Ties({ ties }: { ties: Tie[] }) {
  const say = useWords(ageingWords)
  return ties.map((tie) => tie.difference_minor === 0
    ? <Alert key={tie.currency} type="success" showIcon title={<span className="num">{say('agrees')} · {money(tie.ledger_minor, tie.currency)}</span>} />
    : <Alert key={tie.currency} type="error" showIcon title={say('differs')} description={<span className="num">{say('outstanding')} {money(tie.loans_minor, tie.currency)} · {say('ledger')} {money(tie.ledger_minor, tie.currency)} · {say('difference')} {money(tie.difference_minor, tie.currency)}</span>} />)
}

function Course({ until }: { until: string }) {
  const say = useWords(ageingWords)
  const found = useGet<{ items: Point[] }>('/ageing/course', { until })
  return (
    <Async of={found}>
      {({ items }) => {
        if (items.length < 2) return null
        const currencies = [...new Set(items.map((one) => one.currency))]
        const days = [...new Set(items.map((one) => one.as_of))]
        const line = (currency: string, of: (one: Point) => number) => days.map((day) => {
          const one = items.find((point) => point.as_of === day && point.currency === currency)
          return one && one.outstanding_minor > 0 ? Number(((100 * of(one)) / one.outstanding_minor).toFixed(2)) : null
        })
        const option: ChartOption = {
          tooltip: { trigger: 'axis', valueFormatter: (value) => (value === null || value === undefined ? '–' : `${String(value)}%`) },
          legend: {},
          xAxis: { type: 'category', data: days },
          yAxis: { type: 'value', axisLabel: { formatter: '{value}%' } },
          series: currencies.flatMap((currency) => [
            { type: 'line' as const, showSymbol: false, name: `${say('overdue')}${currencies.length > 1 ? ` ${currency}` : ''}`, data: line(currency, (one) => one.overdue_minor) },
            { type: 'line' as const, showSymbol: false, name: `${say('over90')}${currencies.length > 1 ? ` ${currency}` : ''}`, data: line(currency, (one) => one.over_90_minor) },
          ]),
        }
        return <Card size="small" title={say('course')}><Chart option={option} label={say('course')} height={240} /></Card>
      }}
    </Async>
  )
}

/** What is late, how late, where, and whether the books say the same. */
export default function Ageing() {
  const say = useWords(ageingWords)
  const lang = useLang()
  const go = useGo()
  const [url, setUrl] = useUrlState()
  const found = useGet<Report>('/ageing', url.as_of ? { as_of: url.as_of } : {})
  const at = url.as_of ?? found.data?.as_of
  const move = (days: number) => at && setUrl({ as_of: dayjs(at).add(days, 'day').format('YYYY-MM-DD') })
  return (
    <div className="page">
      <PageHeader title={say('ageing')} hint={say('ageingHint')} actions={<>
        <Button icon={<LeftOutlined />} aria-label={say('earlier')} disabled={!at} onClick={() => move(-1)} />
        <DatePicker allowClear={false} aria-label={say('asOf')} value={at ? dayjs(at) : null} onChange={(day) => setUrl({ as_of: day?.format('YYYY-MM-DD') })} />
        <Button icon={<RightOutlined />} aria-label={say('later')} disabled={!at} onClick={() => move(1)} />
        <Button onClick={() => setUrl({ as_of: undefined })}>{say('latest')}</Button>
        {found.data?.as_of ? <Button href={`/api/v1/ageing.xlsx?as_of=${found.data.as_of}&lang=${lang === 'en' ? 'en' : 'zh'}`} download>{say('download')}</Button> : null}
      </>} />
      <Async of={found}>
        {(report) => report.as_of ? (
          <div className="stack">
            <b className="num">{say('asOf')} {report.as_of}</b>
            <Ties ties={report.ties} />
            {report.behind > 0 ? <Alert type="warning" showIcon title={`${report.behind} ${say('behind')}`} /> : null}
            {report.totals.map((total) => (
              <div key={total.currency} className="tiles">
                <Card size="small"><Statistic title={say('outstanding')} value={money(total.outstanding_minor, total.currency)} /></Card>
                <Card size="small"><Statistic title={say('overdue')} value={money(total.overdue_minor, total.currency)} suffix={<small className="muted">{part(total.overdue_minor, total.outstanding_minor)}</small>} /></Card>
                <Card size="small"><Statistic title={say('over90')} value={money(total.over_90_minor, total.currency)} suffix={<small className="muted">{part(total.over_90_minor, total.outstanding_minor)}</small>} /></Card>
                <Card size="small"><Statistic title={say('loans')} value={count(total.loans, lang)} /></Card>
              </div>
            ))}
            {report.totals.map((total) => <Spans key={total.currency} total={total} buckets={report.buckets} />)}
            <Course until={report.as_of} />
            <Groups title={say('branch')} rows={report.branches} buckets={report.buckets} />
            <Groups title={say('product')} rows={report.products} buckets={report.buckets} />
          </div>
        ) : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('none')}><Button type="primary" onClick={() => go('/eod')}>{say('toEod')}</Button></Empty>}
      </Async>
    </div>
  )
}
