import { Alert, Button, Card, Empty, Statistic, Table } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useGo } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { Chart, type ChartOption } from '../../widget/Chart'
import { moneyShort, share } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, Money, useText } from '../../widget/values'
import type { Portfolio as Book, PortfolioPart, RunMark } from './bookTypes'
import { watchWords } from './words'

function PartChart({ parts, title }: { parts: PortfolioPart[]; title: string }) {
  const say = useWords(watchWords)
  const lang = useLang()
  const text = useText()
  const shown = [...parts].sort((a, b) => b.limit_minor - a.limit_minor).slice(0, 12).reverse()
  const option: ChartOption = {
    tooltip: { trigger: 'axis', valueFormatter: (value) => moneyShort(Number(value), lang) },
    xAxis: { type: 'value', axisLabel: { formatter: (value: number) => moneyShort(value, lang) } },
    yAxis: { type: 'category', data: shown.map((part) => text(part.name) || part.key), axisLabel: { width: 120, overflow: 'truncate' } },
    series: [
      { type: 'bar', name: say('limits'), data: shown.map((part) => part.limit_minor) },
      { type: 'bar', name: say('utilised'), data: shown.map((part) => part.utilised_minor) },
    ],
  }
  return <Card size="small" title={title}><Chart option={option} label={title} height={80 + shown.length * 34} /></Card>
}

function Parts({ parts, title, currency }: { parts: PortfolioPart[]; title: string; currency: string }) {
  const say = useWords(watchWords)
  const text = useText()
  return (
    <Card size="small" title={title}>
      <Table<PortfolioPart> size="small" rowKey="key" pagination={{ pageSize: 12, hideOnSinglePage: true }} dataSource={parts} scroll={{ x: 'max-content' }} columns={[
        { title, render: (_, part) => text(part.name) || part.key },
        { title: say('customers'), dataIndex: 'firms', align: 'right', className: 'num' },
        { title: say('limits'), align: 'right', render: (_, part) => <Money minor={part.limit_minor} currency={currency} /> },
        { title: say('utilised'), align: 'right', render: (_, part) => <Money minor={part.utilised_minor} currency={currency} /> },
        { title: say('utilisation'), align: 'right', className: 'num', render: (_, part) => share(part.utilisation, 1) },
        { title: say('pd'), align: 'right', className: 'num', render: (_, part) => share(part.weighted_pd) },
        { title: 'PAR30', align: 'right', className: 'num', render: (_, part) => share(part.par30) },
      ]} />
    </Card>
  )
}

function Runs() {
  const say = useWords(watchWords)
  const runs = useGet<{ items: RunMark[] | null }>('/portfolio/optimisations')
  return (
    <Async of={runs}>
      {(data) => (data.items ?? []).length === 0 ? null : (
        <Card size="small" title={say('runs')}>
          <Table<RunMark> size="small" rowKey="id" pagination={{ pageSize: 8, hideOnSinglePage: true }} dataSource={data.items ?? []} scroll={{ x: 'max-content' }} columns={[
            { title: say('at'), render: (_, run) => <A href={`/portfolio/optimiser?run=${run.id}`}><Instant at={run.created_at} /></A> },
            { title: say('budget'), align: 'right', render: (_, run) => <Money minor={run.budget_minor} /> },
            { title: say('profit'), align: 'right', render: (_, run) => <Money minor={run.profit_minor} /> },
            { title: say('firms'), dataIndex: 'firms', align: 'right', className: 'num' },
          ]} />
        </Card>
      )}
    </Async>
  )
}

/** The book as it stands: promised, out, and late; and where it is concentrated. */
export default function Portfolio() {
  const say = useWords(watchWords)
  const lang = useLang()
  const may = useMay()
  const go = useGo()
  const found = useGet<Book>('/portfolio')
  return (
    <div className="page">
      <PageHeader title={say('portfolio')} hint={say('portfolioHint')} actions={may('portfolio.optimise') ? <Button type="primary" onClick={() => go('/portfolio/optimiser')}>{say('optimiser')}</Button> : null} />
      <Async of={found}>
        {(book) => (
          <div className="stack">
            {(book.missing_rates ?? []).length > 0 ? <Alert type="warning" showIcon title={say('missingRates', { list: (book.missing_rates ?? []).join(', ') })} /> : null}
            <div className="tiles">
              <Card size="small"><Statistic title={say('customers')} value={book.total.firms} /></Card>
              <Card size="small"><Statistic title={say('limits')} value={moneyShort(book.total.limit_minor, lang, book.currency)} /></Card>
              <Card size="small"><Statistic title={say('outstanding')} value={moneyShort(book.total.outstanding_minor, lang, book.currency)} /></Card>
              <Card size="small"><Statistic title={say('utilisation')} value={share(book.total.utilisation, 1)} /></Card>
              <Card size="small"><Statistic title={say('weightedPd')} value={share(book.total.weighted_pd)} /></Card>
              <Card size="small"><Statistic title="PAR30" value={share(book.total.par30)} /></Card>
              <Card size="small"><Statistic title={say('frozen')} value={book.total.frozen_facilities} /></Card>
            </div>
            {book.total.facilities === 0 ? <Empty description={say('noBook')} /> : (
              <>
                <div className="grid">
                  <PartChart parts={book.by_grade ?? []} title={say('byGrade')} />
                  <PartChart parts={book.by_branch ?? []} title={say('byBranch')} />
                </div>
                <Parts currency={book.currency} parts={book.by_industry ?? []} title={say('byIndustry')} />
              </>
            )}
            <Runs />
          </div>
        )}
      </Async>
    </div>
  )
}
