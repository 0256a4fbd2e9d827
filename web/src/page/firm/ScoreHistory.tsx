import { Card } from 'antd'
import { useWords } from '../../i18n/words'
import { Chart, type ChartOption } from '../../widget/Chart'
import { share } from '../../widget/format'
import type { ScorePoint } from '../insight/types'
import { insightWords } from '../insight/words'

/** How the probability of default moved; one point is no history. */
export function ScoreHistory({ points }: { points: ScorePoint[] }) {
  const say = useWords(insightWords)
  if (points.length < 2) return null
  const rows = [...points].reverse()
  const option: ChartOption = {
    tooltip: { trigger: 'axis', valueFormatter: (value) => share(Number(value)) },
    xAxis: { type: 'category', data: rows.map((point) => point.as_of) },
    yAxis: { type: 'value', axisLabel: { formatter: (value: number) => share(value, 0) } },
    series: [{ type: 'line', name: say('pd'), data: rows.map((point) => point.pd) }],
  }
  return <Card size="small" title={say('historyOf')}><Chart option={option} label={say('historyOf')} height={220} /></Card>
}
