import { Card } from 'antd'
import { useMemo } from 'react'
import { useLang, useWords, type Lang, type Say } from '../../i18n/words'
import { Chart, type ChartOption } from '../../widget/Chart'
import { moneyShort, share } from '../../widget/format'
import type { MonthPoint, PartyPoint, Series, Theme } from './types'
import { insightWords } from './words'

type S = Say<typeof insightWords>

const yuan = (lang: Lang) => ({ type: 'value' as const, axisLabel: { formatter: (value: number) => moneyShort(value, lang) } })
const months = (points: MonthPoint[]) => ({ type: 'category' as const, data: points.map((point) => point.month) })
const asMoney = (lang: Lang) => ({ trigger: 'axis' as const, valueFormatter: (value: unknown) => moneyShort(Number(value), lang) })
const rate = (part: number, whole: number) => (part + whole === 0 ? 0 : part / (part + whole))

function monthly(points: MonthPoint[], say: S, lang: Lang): ChartOption {
  return {
    tooltip: asMoney(lang), xAxis: months(points), yAxis: yuan(lang), dataZoom: [{ type: 'inside' }],
    series: [
      { type: 'bar', name: say('sales'), data: points.map((point) => ({ value: point.sales_net_minor, ...(point.complete ? {} : { itemStyle: { opacity: 0.45 } }) })) },
      { type: 'bar', name: say('purchases'), data: points.map((point) => ({ value: point.purchases_net_minor, ...(point.complete ? {} : { itemStyle: { opacity: 0.45 } }) })) },
    ],
  }
}

function voids(points: MonthPoint[], say: S): ChartOption {
  return {
    tooltip: { trigger: 'axis', valueFormatter: (value) => share(Number(value), 1) }, xAxis: months(points),
    yAxis: { type: 'value', axisLabel: { formatter: (value: number) => share(value, 0) } },
    series: [
      { type: 'line', name: say('salesVoid'), showSymbol: false, data: points.map((point) => rate(point.sales_void, point.sales_count)) },
      { type: 'line', name: say('purchasesVoid'), showSymbol: false, data: points.map((point) => rate(point.purchases_void, point.purchases_count)) },
    ],
  }
}

function taxes(points: MonthPoint[], say: S, lang: Lang): ChartOption {
  return {
    tooltip: asMoney(lang), xAxis: months(points), yAxis: yuan(lang),
    series: [
      { type: 'line', name: say('salesTax'), showSymbol: false, data: points.map((point) => point.sales_tax_minor) },
      { type: 'line', name: say('purchasesTax'), showSymbol: false, data: points.map((point) => point.purchases_tax_minor) },
    ],
  }
}

function cumulative(points: MonthPoint[], say: S, lang: Lang): ChartOption {
  let sum = 0
  return { tooltip: asMoney(lang), xAxis: months(points), yAxis: yuan(lang), series: [{ type: 'line', name: say('cumulative'), areaStyle: { opacity: 0.15 }, showSymbol: false, data: points.map((point) => (sum += point.sales_net_minor - point.purchases_net_minor)) }] }
}

function season(points: MonthPoint[], say: S, lang: Lang): ChartOption {
  const names = Array.from({ length: 12 }, (_, index) => String(index + 1).padStart(2, '0'))
  const whole = points.filter((point) => point.complete)
  const average = names.map((name) => {
    const same = whole.filter((point) => point.month.endsWith('-' + name))
    return same.length === 0 ? 0 : Math.round(same.reduce((sum, point) => sum + point.sales_net_minor, 0) / same.length)
  })
  return { tooltip: asMoney(lang), xAxis: { type: 'category', data: names }, yAxis: yuan(lang), series: [{ type: 'bar', name: say('bySeason'), data: average }] }
}

function parties(points: PartyPoint[], name: string, say: S, lang: Lang): ChartOption {
  const rows = [...points].reverse()
  return {
    tooltip: { trigger: 'axis', formatter: (raw: unknown) => { const at = (Array.isArray(raw) ? raw[0] : raw) as { dataIndex: number }; const row = rows[at.dataIndex]!; return `${row.counterparty}<br>${moneyShort(row.net_minor, lang)} · ${share(row.share, 1)}${row.circular ? ' · ' + say('circular') : ''}` } },
    xAxis: { type: 'value', axisLabel: { formatter: (value: number) => share(value, 0) } },
    yAxis: { type: 'category', data: rows.map((row) => row.counterparty), axisLabel: { width: 90, overflow: 'truncate' } },
    series: [{ type: 'bar', name, data: rows.map((row) => ({ value: row.share, ...(row.circular ? { itemStyle: { color: '#d9822b' } } : {}) })) }],
  }
}

function network(series: Series, centre: string, say: S): ChartOption {
  const sides = [...(series.top_buyers ?? []).map((party) => ({ party, kind: 1 })), ...(series.top_suppliers ?? []).map((party) => ({ party, kind: 2 }))]
  const seen = new Map<string, { name: string; symbolSize: number; category: number }>()
  for (const { party, kind } of sides) seen.set(party.counterparty, { name: party.counterparty, symbolSize: 10 + 34 * Math.sqrt(party.share), category: party.circular ? 3 : kind })
  const categories = [centre, say('buyers'), say('suppliers'), say('circular')].map((name) => ({ name }))
  return {
    tooltip: { trigger: 'item' }, legend: { data: categories.slice(1).map((one) => one.name) },
    series: [{ type: 'graph', layout: 'force', roam: false, label: { show: true, position: 'right', fontSize: 10, color: 'inherit' }, force: { repulsion: 160, edgeLength: [50, 120] }, categories, data: [{ name: centre, symbolSize: 40, category: 0 }, ...seen.values()], links: sides.map(({ party, kind }) => (kind === 1 ? { source: centre, target: party.counterparty } : { source: party.counterparty, target: centre })) }],
  }
}

/** The charts that explain a theme of a firm's profile. */
export function useThemeCharts(series: Series | undefined, firm: string): (theme: Theme) => { title: string; option: ChartOption }[] {
  const say = useWords(insightWords)
  const lang = useLang()
  return useMemo(() => {
    const points = series?.months ?? []
    return (theme) => {
      if (!series || points.length === 0) return []
      const one = (title: string, option: ChartOption) => [{ title, option }]
      switch (theme) {
        case 'quality': return one(say('monthlyVoid'), voids(points, say))
        case 'vat': return one(say('monthlyTax'), taxes(points, say, lang))
        case 'cash': return one(say('cumulative'), cumulative(points, say, lang))
        case 'seasonality': return one(say('bySeason'), season(points, say, lang))
        case 'buyers': return one(say('topBuyers'), parties(series.top_buyers ?? [], say('topBuyers'), say, lang))
        case 'suppliers': return one(say('topSuppliers'), parties(series.top_suppliers ?? [], say('topSuppliers'), say, lang))
        case 'graph': return one(say('counterparties'), network(series, firm, say))
        default: return one(say('monthly'), monthly(points, say, lang))
      }
    }
    // `say` is made anew on each render; the language decides its words.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [series, firm, lang])
}

const overview: Theme[] = ['level', 'quality', 'buyers', 'suppliers', 'cash', 'vat']

/** The six pictures an analyst looks at first. */
export function ProfileOverview({ series, firm }: { series: Series; firm: string }) {
  const charts = useThemeCharts(series, firm)
  return <div className="grid">{overview.flatMap((theme) => charts(theme).map((chart) => <Card key={theme} size="small" title={chart.title}><Chart option={chart.option} label={chart.title} height={230} /></Card>))}</div>
}
