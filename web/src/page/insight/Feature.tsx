import { Button, Card, Descriptions, Empty, Skeleton, Statistic, Tag } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useGo, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { Chart, type ChartOption } from '../../widget/Chart'
import { count, share } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both } from '../../widget/values'
import { useDefinitions } from './FeatureTable'
import { themes, type Definition, type Distribution } from './types'
import { shortValue } from './value'
import { insightWords } from './words'

const sources = { 'invoice.sale': 'sourceSale', 'invoice.purchase': 'sourcePurchase', 'book.counterparty': 'sourceBook' } as const

/** One feature: what it is, in both languages so that a dispute has one text, and how it lies among the firms. */
export default function FeaturePage() {
  const say = useWords(insightWords)
  const lang = useLang()
  const may = useMay()
  const go = useGo()
  const id = useId()
  const { find, loading } = useDefinitions()
  const one = find(id)
  if (loading) return <div className="page"><Skeleton active /></div>
  if (!one) {
    return (
      <div className="page">
        <PageHeader title={id} crumbs={[{ text: say('features'), href: '/features' }, { text: id }]} />
        <Empty description={say('noFeature')}><Button type="primary" onClick={() => go('/features')}>{say('toCatalogue')}</Button></Empty>
      </div>
    )
  }
  const theme = themes.find((known) => known === one.theme)
  return (
    <div className="page">
      <PageHeader title={both(lang, one.name_zh, one.name_en)} tag={theme ? <Tag>{say(theme)}</Tag> : null} crumbs={[{ text: say('features'), href: '/features' }, { text: one.id }]} />
      <Meaning one={one} />
      {may('profile.read') ? <Spread one={one} /> : null}
    </div>
  )
}

function Both({ zh, en }: { zh: string; en: string }) {
  const lang = useLang()
  return <div><div>{lang === 'zh' ? zh : en}</div><div className="muted" lang={lang === 'zh' ? 'en' : 'zh-CN'}>{lang === 'zh' ? en : zh}</div></div>
}

function Meaning({ one }: { one: Definition }) {
  const say = useWords(insightWords)
  const source = (code: string) => (code in sources ? `${say(sources[code as keyof typeof sources])} (${code})` : code)
  return (
    <Card size="small" title={say('definition')}>
      <Descriptions size="small" column={{ xs: 1, md: 2 }} items={[
        { key: 'name', label: say('name'), children: <Both zh={one.name_zh} en={one.name_en} /> },
        { key: 'id', label: 'ID', children: <span className="mono">{one.id}</span> },
        { key: 'formula', label: say('formula'), span: 'filled', children: <Both zh={one.formula_zh} en={one.formula_en} /> },
        { key: 'unit', label: say('unit'), children: one.unit in insightWords ? say(one.unit as keyof typeof insightWords) : one.unit },
        { key: 'window', label: say('window'), children: say('windowOf', { n: one.window.replace(/m$/, '') }) },
        { key: 'direction', label: say('direction'), children: say(one.direction > 0 ? 'riskier' : one.direction < 0 ? 'safer' : 'learnt') },
        { key: 'source', label: say('source'), children: one.sources.map(source).join('；') },
        { key: 'empty', label: say('empty'), span: 'filled', children: <Both zh={one.null_zh} en={one.null_en} /> },
      ]} />
    </Card>
  )
}

function Spread({ one }: { one: Definition }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const found = useGet<Distribution>(`/features/${one.id}/distribution`)
  const value = (of: number | null) => shortValue(of, one.unit, lang)
  return (
    <Card size="small" title={say('distribution')}>
      <Async of={found}>
        {(data) => {
          if (data.firms === 0) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noDistribution')} />
          const bins = data.bins ?? []
          return (
            <div className="stack">
              <div className="tiles">
                <Statistic title={say('firmsCounted')} value={count(data.firms, lang)} styles={{ content: { fontSize: 20 } }} />
                <Statistic title={say('emptyShare')} value={`${count(data.empty, lang)} · ${share(data.empty / data.firms, 0)}`} styles={{ content: { fontSize: 20 } }} />
                <Statistic title={say('median')} value={value(data.p50)} styles={{ content: { fontSize: 20 } }} />
                <Statistic title={say('mean')} value={value(data.mean)} styles={{ content: { fontSize: 20 } }} />
                <Statistic title={say('middle')} value={`${value(data.p05)} – ${value(data.p95)}`} styles={{ content: { fontSize: 16 } }} />
                <Statistic title={say('range')} value={`${value(data.min)} – ${value(data.max)}`} styles={{ content: { fontSize: 16 } }} />
              </div>
              {bins.length > 0 ? <Chart option={histogram(bins, value, (n) => say('firmCount', { n }))} label={`${both(lang, one.name_zh, one.name_en)} ${say('distribution')}`} height={300} /> : null}
              <div className="muted">{say('distributionHint')} {data.truncated ? say('truncated', { n: count(data.firms, lang) }) : ''}</div>
            </div>
          )
        }}
      </Async>
    </Card>
  )
}

function histogram(bins: { from: number; to: number; firms: number }[], value: (of: number) => string, firms: (n: number) => string): ChartOption {
  return {
    tooltip: { trigger: 'axis', formatter: (raw: unknown) => { const at = (Array.isArray(raw) ? raw[0] : raw) as { dataIndex: number }; const bin = bins[at.dataIndex]!; return `${value(bin.from)} – ${value(bin.to)}<br>${firms(bin.firms)}` } },
    xAxis: { type: 'category', data: bins.map((bin) => value(bin.from)) },
    yAxis: { type: 'value', minInterval: 1 },
    series: [{ type: 'bar', barCategoryGap: '4%', data: bins.map((bin) => bin.firms) }],
  }
}
