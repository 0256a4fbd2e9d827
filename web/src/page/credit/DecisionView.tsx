import { Card, Collapse, Descriptions, Progress, Statistic, Table, Tag } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { count, money, percent, share } from '../../widget/format'
import { ReasonList } from '../../widget/Lists'
import { both, Id, Instant, Money, Rate, StateTag, useText } from '../../widget/values'
import { roleName } from '../admin/roleWords'
import { ScoreView } from '../insight/ScoreView'
import type { Bound, Decision, Facts, Hit, Price, PriceComponent } from './decisionTypes'
import { decisionWords } from './decisionWords'
import { useMethod } from './Products'

export function Result({ result }: { result: string }) {
  const say = useWords(decisionWords)
  const known = (['approved', 'referred', 'declined'] as const).find((one) => one === result)
  return <StateTag text={known ? say(known) : result} tone={result === 'approved' ? 'good' : result === 'declined' ? 'bad' : 'warn'} />
}

function factText(value: unknown, lang: 'zh' | 'en'): string {
  if (value === null || value === undefined) return '—'
  if (typeof value === 'number') return count(Math.round(value * 1e6) / 1e6, lang)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function FactList({ facts }: { facts: Facts | null }) {
  const lang = useLang()
  return <div className="row" style={{ gap: 6 }}>{Object.entries(facts ?? {}).map(([name, value]) => <Tag key={name} className="mono" style={{ whiteSpace: 'normal', marginInlineEnd: 0 }}>{name} = {name.endsWith('_minor') && typeof value === 'number' ? money(value) : factText(value, lang)}</Tag>)}</div>
}

function Bounds({ bounds, currency }: { bounds: Bound[]; currency: string }) {
  const say = useWords(decisionWords)
  const text = useText()
  const largest = Math.max(1, ...bounds.map((bound) => bound.amount_minor))
  return (
    <Table<Bound> size="small" rowKey="id" pagination={false} dataSource={bounds} scroll={{ x: 'max-content' }} expandable={{ expandedRowRender: (bound) => <div className="stack" style={{ gap: 6 }}><FactList facts={bound.facts} /><div className="muted">{text(bound.remedy)}</div></div> }} columns={[
      { title: say('component'), render: (_, bound) => <span>{bound.binding ? <Tag color="orange">{say('binding')}</Tag> : null}{text(bound.name)}</span> },
      { title: say('amount'), align: 'right', render: (_, bound) => (bound.binding ? <b><Money minor={bound.amount_minor} currency={currency} /></b> : <Money minor={bound.amount_minor} currency={currency} />) },
      { title: '', width: 120, render: (_, bound) => <Progress showInfo={false} size="small" status="normal" percent={Math.max(0, Math.round((bound.amount_minor / largest) * 100))} {...(bound.binding ? { strokeColor: '#d9822b' } : {})} /> },
    ]} />
  )
}

function PriceTable({ price }: { price: Price }) {
  const say = useWords(decisionWords)
  const lang = useLang()
  return (
    <Table<PriceComponent> size="small" rowKey="code" pagination={false} dataSource={price.components ?? []} showHeader={false} columns={[
      { render: (_, part) => both(lang, part.name_zh, part.name_en) || part.code },
      { align: 'right', render: (_, part) => <Rate rate={part.rate} /> },
    ]} summary={() => (
      <>
        <Table.Summary.Row><Table.Summary.Cell index={0}>{say('sum')}</Table.Summary.Cell><Table.Summary.Cell index={1} align="right"><Rate rate={price.cost} /></Table.Summary.Cell></Table.Summary.Row>
        <Table.Summary.Row><Table.Summary.Cell index={0}><b>{say('rate')}</b> {price.bound === 'floor' ? say('floor') : price.bound === 'ceiling' ? say('ceiling') : ''}</Table.Summary.Cell><Table.Summary.Cell index={1} align="right"><b><Rate rate={price.rate} /></b></Table.Summary.Cell></Table.Summary.Row>
      </>
    )} />
  )
}

function Rules({ rules }: { rules: Hit[] }) {
  const say = useWords(decisionWords)
  const text = useText()
  return (
    <div className="stack" style={{ gap: 10 }}>
      {rules.map((hit) => {
        const kind = (['knock_out', 'refer', 'note'] as const).find((one) => one === hit.kind)
        return <div key={hit.code}><StateTag text={kind ? say(kind) : hit.kind} tone={hit.kind === 'knock_out' ? 'bad' : hit.kind === 'refer' ? 'warn' : 'plain'} /> {text(hit.reason)} <span className="muted mono">{hit.code}</span><FactList facts={hit.facts} /></div>
      })}
    </div>
  )
}

/** A decision as staff, the firm and the regulator read it: the same reasons for all. */
export function DecisionView({ decision }: { decision: Decision }) {
  const say = useWords(decisionWords)
  const lang = useLang()
  const text = useText()
  const method = useMethod()
  const { inputs, outcome } = decision
  const ask = inputs.ask
  return (
    <div className="stack">
      <div className="tiles">
        <Card size="small"><div className="muted" style={{ marginBottom: 8 }}>{say('result')}</div><Result result={outcome.result} /></Card>
        <Card size="small"><Statistic title={say('offered')} value={money(outcome.amount_minor, decision.currency)} /></Card>
        <Card size="small"><Statistic title={say('rate')} value={outcome.price ? percent(outcome.rate) : '—'} /></Card>
        <Card size="small"><Statistic title={say('asked')} value={money(ask.amount_minor, ask.currency)} /></Card>
        <Card size="small"><Statistic title={`${say('grade')} · ${say('pd')}`} value={`${inputs.grade} · ${share(Number(inputs.pd))}`} /></Card>
      </div>
      {outcome.reasons?.length ? <Card size="small" title={say('reasons')}>
        <ReasonList reasons={outcome.reasons.map((reason) => ({ code: reason.code, text: text(reason.text), remedy: [text(reason.remedy), reason.retry_on ? say('retryOn', { date: reason.retry_on }) : ''].filter(Boolean).join(' · ') }))} />
      </Card> : null}
      <div className="grid">
        {outcome.bounds?.length ? <Card size="small" title={say('bounds')}><Bounds bounds={outcome.bounds} currency={decision.currency} /></Card> : null}
        {outcome.price ? <Card size="small" title={say('price')} extra={<span className="muted num">{say('benchmark')} {inputs.benchmark.name.replace('_', ' ').toUpperCase()} {percent(inputs.benchmark.rate)} ({inputs.benchmark.published_on})</span>}><PriceTable price={outcome.price} /></Card> : null}
        {outcome.rules?.length ? <Card size="small" title={say('rules')}><Rules rules={outcome.rules} /></Card> : null}
      </div>
      <ScoreView score={{ pd: Number(inputs.pd), points: inputs.points, grade: inputs.grade, thin_file: inputs.thin_file, contributions: inputs.contributions, reasons: inputs.score_reasons }} />
      <Card size="small" title={say('inputs')}>
        <Descriptions size="small" column={{ xs: 1, md: 2, xl: 3 }} items={[
          { key: 'firm', label: say('firm'), children: <A href={`/firms/${decision.firm_id}`}><Id id={decision.firm_id} /></A> },
          { key: 'product', label: say('product'), children: <A href={`/products/${inputs.recipe_id}`}>{inputs.recipe_id} v{inputs.recipe_version}</A> },
          { key: 'tenor', label: say('tenor'), children: say('months', { n: ask.tenor_months }) },
          { key: 'method', label: say('method'), children: method(ask.method) },
          { key: 'purpose', label: say('purpose'), children: ask.purpose },
          { key: 'debt', label: say('otherDebt'), children: <Money minor={ask.other_debt_minor} currency={ask.currency} /> },
          { key: 'asof', label: say('asOf'), children: inputs.as_of },
          { key: 'at', label: say('at'), children: <Instant at={decision.decided_at} /> },
          { key: 'until', label: say('validUntil'), children: outcome.valid_until },
          { key: 'straight', label: say('straight'), children: outcome.straight_through ? say('yes') : say('no') },
          { key: 'authority', label: say('authority'), children: (outcome.authority ?? []).map((role) => roleName(lang, role)).join(' + ') || '—' },
          { key: 'model', label: say('model'), children: inputs.model_id ? <A href={`/models/${inputs.model_id}`}><Id id={inputs.model_id} /></A> : '—' },
          { key: 'recipe', label: say('recipe'), children: <span className="mono">{inputs.recipe_hash.slice(0, 16)}</span> },
          { key: 'snapshot', label: say('snapshot'), children: <Id id={inputs.snapshot_id} /> },
        ]} />
        <Collapse size="small" ghost items={[{ key: 'facts', label: say('facts'), children: <FactList facts={inputs.facts} /> }]} />
      </Card>
    </div>
  )
}
