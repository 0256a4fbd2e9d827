import { Card, Table } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { Chart, type ChartOption } from '../../widget/Chart'
import { share } from '../../widget/format'
import { both } from '../../widget/values'
import { useDefinitions } from './FeatureTable'
import type { Bin, CalibrationBin, Characteristic, Fold, RocPoint, Spread } from './types'
import { featureValue } from './value'
import { insightWords } from './words'

const unit = { type: 'value' as const, min: 0, max: 1, nameLocation: 'middle' as const, nameGap: 32 }
const roomy = { bottom: 28, left: 34 }

export function RocPlot({ points }: { points: RocPoint[] }) {
  const say = useWords(insightWords)
  const option: ChartOption = {
    grid: roomy,
    xAxis: { ...unit, name: say('falsePositive') }, yAxis: { ...unit, name: say('truePositive') },
    series: [
      { type: 'line', name: 'ROC', showSymbol: false, areaStyle: { opacity: 0.12 }, data: points.map((point) => [point.good_share, point.bad_share]) },
      { type: 'line', name: say('chance'), showSymbol: false, lineStyle: { type: 'dashed', opacity: 0.5 }, data: [[0, 0], [1, 1]] },
    ],
  }
  return <Card size="small" title={say('roc')}><Chart option={option} label={say('roc')} height={280} /></Card>
}

export function KsPlot({ points }: { points: RocPoint[] }) {
  const say = useWords(insightWords)
  const inside = points.filter((point) => point.threshold >= 0 && point.threshold <= 1)
  const widest = inside.reduce<RocPoint | undefined>((best, point) => (!best || point.bad_share - point.good_share > best.bad_share - best.good_share ? point : best), undefined)
  const option: ChartOption = {
    grid: roomy,
    xAxis: { ...unit, name: say('threshold') }, yAxis: unit,
    series: [
      { type: 'line', name: say('bad'), showSymbol: false, data: inside.map((point) => [point.threshold, point.bad_share]), ...(widest ? { markLine: { symbol: 'none', label: { formatter: `KS ${(widest.bad_share - widest.good_share).toFixed(3)}` }, data: [[{ coord: [widest.threshold, widest.good_share] }, { coord: [widest.threshold, widest.bad_share] }]] } } : {}) },
      { type: 'line', name: say('good'), showSymbol: false, data: inside.map((point) => [point.threshold, point.good_share]) },
    ],
  }
  return <Card size="small" title={say('ksPlot')}><Chart option={option} label={say('ksPlot')} height={280} /></Card>
}

export function CalibrationPlot({ bins }: { bins: CalibrationBin[] }) {
  const say = useWords(insightWords)
  const most = Math.max(0.05, ...bins.flatMap((bin) => [bin.predicted, bin.observed])) * 1.1
  const axis = { ...unit, max: Number(most.toFixed(2)) }
  const option: ChartOption = {
    grid: roomy, tooltip: { trigger: 'item' },
    xAxis: { ...axis, name: say('predicted') }, yAxis: { ...axis, name: say('observed') },
    series: [
      { type: 'scatter', name: say('calibration'), data: bins.map((bin) => [bin.predicted, bin.observed, bin.count]), symbolSize: (value: number[]) => 6 + Math.sqrt(value[2] ?? 0) * 2 },
      { type: 'line', name: say('ideal'), showSymbol: false, lineStyle: { type: 'dashed', opacity: 0.5 }, data: [[0, 0], [axis.max, axis.max]] },
    ],
  }
  return <Card size="small" title={say('calibration')}><Chart option={option} label={say('calibration')} height={280} /></Card>
}

/** How the AUC varies over the held-out parts: a histogram says more than a mean. */
export function FoldPlot({ folds }: { folds: Fold[] }) {
  const say = useWords(insightWords)
  const width = 0.025
  const lowest = Math.floor(Math.min(...folds.map((fold) => fold.auc)) / width)
  const groups = new Map<number, number>()
  for (let at = lowest; at < Math.round(1 / width); at++) groups.set(at, 0)
  for (const fold of folds) { const at = Math.min(Math.floor(fold.auc / width), Math.round(1 / width) - 1); groups.set(at, (groups.get(at) ?? 0) + 1) }
  const option: ChartOption = { xAxis: { type: 'category', data: [...groups.keys()].map((at) => (at * width).toFixed(3)) }, yAxis: { type: 'value', minInterval: 1 }, series: [{ type: 'bar', name: say('folds'), data: [...groups.values()], barCategoryGap: '4%' }] }
  return <Card size="small" title={say('folds')}><Chart option={option} label={say('folds')} height={280} /></Card>
}

export function SpreadText({ spread }: { spread: Spread }) {
  const say = useWords(insightWords)
  const digits = (value: number) => value.toFixed(3)
  return <span className="num" style={{ whiteSpace: 'normal' }}>{say('spread', { mean: digits(spread.mean), std: digits(spread.std), low: digits(spread.p05), high: digits(spread.p95) })}</span>
}

type BinRow = Bin & { label: string }

/** The features in the model and the points of each of their bins. */
export function Characteristics({ items, chosen, folds }: { items: Characteristic[]; chosen?: Record<string, number> | null; folds?: number }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const { find } = useDefinitions()
  const rows = (item: Characteristic): BinRow[] => {
    const of = find(item.feature)?.unit ?? ''
    let from: string | undefined
    const bins = item.bins.map((bin) => {
      const to = bin.max === null ? undefined : featureValue(bin.max, of, lang)
      const label = `${from ?? '−∞'} … ${to ?? '+∞'}`
      from = to
      return { ...bin, label }
    })
    return [...bins, { ...item.missing, label: say('missing') }]
  }
  return (
    <Table<Characteristic>
      size="small"
      rowKey="feature"
      pagination={false}
      dataSource={items}
      scroll={{ x: 'max-content' }}
      expandable={{
        expandedRowRender: (item) => (
          <Table<BinRow> size="small" rowKey="label" pagination={false} dataSource={rows(item)} columns={[
            { title: say('bin'), dataIndex: 'label', className: 'num' },
            { title: say('good'), dataIndex: 'good', align: 'right', className: 'num' },
            { title: say('bad'), dataIndex: 'bad', align: 'right', className: 'num' },
            { title: say('woe'), align: 'right', className: 'num', render: (_, bin) => bin.woe.toFixed(3) },
            { title: say('points'), dataIndex: 'points', align: 'right', className: 'num' },
          ]} />
        ),
      }}
      columns={[
        { title: say('feature'), render: (_, item) => { const found = find(item.feature); return <div><div>{found ? both(lang, found.name_zh, found.name_en) : item.feature}</div><div className="muted mono">{item.feature}</div></div> } },
        { title: say('iv'), align: 'right', className: 'num', render: (_, item) => item.iv.toFixed(3) },
        ...(chosen && folds ? [{ title: say('chosen'), align: 'right' as const, className: 'num', render: (_: unknown, item: Characteristic) => share((chosen[item.feature] ?? 0) / folds, 0) }] : []),
        { title: say('direction'), render: (_, item) => (item.direction > 0 ? say('riskier') : item.direction < 0 ? say('safer') : say('learnt')) },
      ]}
    />
  )
}
