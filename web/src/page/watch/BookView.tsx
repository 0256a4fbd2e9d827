import { Button, Card, Empty, Statistic, Table, Tooltip } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { Chart, type ChartOption } from '../../widget/Chart'
import { count, csvCell, money, moneyShort, percent, share } from '../../widget/format'
import { save } from '../../widget/save'
import { Money, Rate, StateTag } from '../../widget/values'
import type { Book, BookLine, Frontier, FrontierPoint, Optimised } from './bookTypes'
import { watchWords } from './words'

const outcomeWords = { lent: 'lent', grade: 'byGradeOut', unprofitable: 'unprofitable', bounds: 'bounds', budget: 'overBudget' } as const

function useOutcome(): (code: string) => string {
  const say = useWords(watchWords)
  return (code) => (code in outcomeWords ? say(outcomeWords[code as keyof typeof outcomeWords]) : code)
}

function FrontierChart({ points, of, title, at }: { points: FrontierPoint[]; of: 'budget_minor' | 'loss_minor'; title: string; at: Book }) {
  const say = useWords(watchWords)
  const lang = useLang()
  const short = (value: number) => moneyShort(value, lang)
  const here = of === 'budget_minor' ? at.budget_minor : at.loss_minor
  const option: ChartOption = {
    grid: { bottom: 28, right: 28 },
    tooltip: { trigger: 'item', formatter: (raw: unknown) => { const value = (raw as { value: number[] }).value; return `${of === 'budget_minor' ? say('budget') : say('loss')} ${short(value[0]!)}<br>${say('profit')} ${short(value[1]!)}` } },
    xAxis: { type: 'value', name: of === 'budget_minor' ? say('budget') : say('loss'), nameLocation: 'middle', nameGap: 28, axisLabel: { formatter: short }, scale: true },
    yAxis: { type: 'value', name: say('profit'), axisLabel: { formatter: short } },
    series: [
      { type: 'line', name: title, smooth: true, symbolSize: 5, data: [...points].sort((a, b) => a[of] - b[of]).map((point) => [point[of], point.profit_minor]) },
      { type: 'scatter', name: say('lent'), symbol: 'diamond', symbolSize: 16, data: [[here, at.profit_minor]] },
    ],
  }
  return <Card size="small" title={title}><Chart option={option} label={title} height={280} /></Card>
}

function Frontiers({ frontier, book }: { frontier: Frontier; book: Book }) {
  const say = useWords(watchWords)
  return (
    <div className="grid">
      <FrontierChart points={frontier.by_budget ?? []} of="budget_minor" title={say('byBudget')} at={book} />
      <FrontierChart points={frontier.by_loss ?? []} of="loss_minor" title={say('byLoss')} at={book} />
    </div>
  )
}

function Baselines({ best, others }: { best: Book; others: Book[] }) {
  const say = useWords(watchWords)
  return (
    <Card size="small" title={say('baselines')}>
      <Table<Book> size="small" rowKey="method" pagination={false} dataSource={[best, ...others]} scroll={{ x: 'max-content' }} columns={[
        { title: say('method'), render: (_, row) => (row.method in watchWords ? say(row.method as keyof typeof watchWords) : row.method) },
        { title: say('firms'), dataIndex: 'firms', align: 'right', className: 'num' },
        { title: say('allocated'), align: 'right', render: (_, row) => <Money minor={row.amount_minor} currency={row.currency} /> },
        { title: say('loss'), align: 'right', render: (_, row) => <Money minor={row.loss_minor} currency={row.currency} /> },
        { title: say('profit'), align: 'right', render: (_, row) => <b><Money minor={row.profit_minor} currency={row.currency} /></b> },
        { title: say('better'), align: 'right', className: 'num', render: (_, row) => (row === best ? '' : `${money(best.profit_minor - row.profit_minor, row.currency)}${row.profit_minor > 0 ? ` (${share(best.profit_minor / row.profit_minor - 1, 1)})` : ''}`) },
      ]} />
    </Card>
  )
}

function exportLines(lines: BookLine[]): void {
  const head = ['id', 'firm', 'grade', 'pd', 'outcome', 'amount', 'rate', 'churn', 'expected_use', 'expected_loss', 'expected_profit']
  const rows = lines.map((line) => [line.id, line.firm_name ?? '', line.grade, String(line.pd), line.outcome, money(line.amount_minor, 'CNY', false), percent(line.rate), share(line.churn), money(line.use_minor, 'CNY', false), money(line.loss_minor, 'CNY', false), money(line.profit_minor, 'CNY', false)])
  save(new Blob(['\ufeff' + [head, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n')], { type: 'text/csv;charset=utf-8' }), 'allocation.csv')
}

function Allocation({ lines }: { lines: BookLine[] }) {
  const say = useWords(watchWords)
  const lang = useLang()
  const outcome = useOutcome()
  const outcomes = [...new Set(lines.map((line) => line.outcome))]
  return (
    <Card size="small" title={say('resultOf')} extra={<Button size="small" onClick={() => exportLines(lines)}>{say('exportCsv')}</Button>}>
      <Table<BookLine>
        size="small"
        rowKey="id"
        dataSource={lines}
        pagination={{ pageSize: 50, showSizeChanger: false, hideOnSinglePage: true }}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('nobody')} /> }}
        columns={[
          { title: say('firm'), render: (_, line) => (line.id.startsWith('firm_') ? <A href={`/firms/${line.id}`}>{line.firm_name || line.id}</A> : line.firm_name || line.id) },
          { title: say('grade'), dataIndex: 'grade', sorter: (a, b) => a.grade.localeCompare(b.grade) },
          { title: say('pd'), align: 'right', className: 'num', sorter: (a, b) => a.pd - b.pd, render: (_, line) => share(line.pd) },
          { title: say('resultOf'), filters: outcomes.map((value) => ({ value, text: outcome(value) })), onFilter: (value, line) => line.outcome === value, render: (_, line) => <StateTag text={outcome(line.outcome)} tone={line.outcome === 'lent' ? 'good' : 'plain'} /> },
          { title: say('amount'), align: 'right', sorter: (a, b) => a.amount_minor - b.amount_minor, defaultSortOrder: 'descend', render: (_, line) => <Money minor={line.amount_minor} /> },
          { title: say('rate'), align: 'right', sorter: (a, b) => Number(a.rate) - Number(b.rate), render: (_, line) => <Rate rate={line.rate} /> },
          { title: say('churn'), align: 'right', className: 'num', render: (_, line) => share(line.churn, 1) },
          { title: say('margin'), align: 'right', className: 'num', render: (_, line) => count(line.margin, lang, 4) },
          { title: say('profit'), align: 'right', sorter: (a, b) => a.profit_minor - b.profit_minor, render: (_, line) => <Money minor={line.profit_minor} /> },
        ]}
      />
    </Card>
  )
}

/** An optimised book: headline, proof, frontiers, comparison, and who gets what. */
export function BookView({ result }: { result: Optimised }) {
  const say = useWords(watchWords)
  const lang = useLang()
  const { book } = result
  const short = (minor: number) => moneyShort(minor, lang, book.currency)
  return (
    <div className="stack" data-testid="book">
      <div className="muted">{say('took', { n: result.candidates, ms: result.elapsed_ms })} {result.curve_source === 'default' ? say('curveDefault') : null}</div>
      <div className="tiles">
        <Card size="small"><Statistic title={say('allocated')} value={short(book.amount_minor)} suffix={<small className="muted">/ {short(book.budget_minor)}</small>} /></Card>
        <Card size="small"><Statistic title={say('firms')} value={book.firms} /></Card>
        <Card size="small"><Statistic title={say('profit')} value={short(book.profit_minor)} /></Card>
        <Card size="small"><Statistic title={say('loss')} value={short(book.loss_minor)} /></Card>
        <Card size="small"><Tooltip title={say('shadowHint')}><Statistic title={say('shadow')} value={count(book.shadow_price, lang, 4)} /></Tooltip></Card>
        <Card size="small"><Statistic title={say('gap')} value={book.exact ? say('exact') : share(book.gap, 4)} /></Card>
      </div>
      {result.frontier ? <Frontiers frontier={result.frontier} book={book} /> : null}
      {result.baselines && result.baselines.length > 0 ? <Baselines best={book} others={result.baselines} /> : null}
      <Allocation lines={book.lines ?? []} />
    </div>
  )
}
