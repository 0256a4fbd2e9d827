import { Alert, Button, Card, Descriptions, Drawer, Form, Input, Table, Tabs, Tag, Typography } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useId, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { count, money, percent, share } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant, Money, Rate, StateTag, useText } from '../../widget/values'
import { roleName } from '../admin/roleWords'
import { ProductStatus, useMethod } from './Products'
import type { Parameter, ProductDetail, Recipe, Rule, StoredVersion, Watch } from './productTypes'
import { creditWords } from './words'

function useSayCode(): (code: string) => string {
  const say = useWords(creditWords)
  return (code) => (code in creditWords ? say(code as keyof typeof creditWords) : code)
}

function parameterValue(one: Parameter, lang: 'zh' | 'en'): string {
  if (one.unit === 'fen') return money(Math.round(one.value))
  return one.unit === 'ratio' ? share(one.value, 1) : count(one.value, lang)
}

function Overview({ recipe }: { recipe: Recipe }) {
  const say = useWords(creditWords)
  const lang = useLang()
  const text = useText()
  const code = useSayCode()
  const method = useMethod()
  const { terms, audience } = recipe
  const lists = (list: { allow: string[] | null; deny: string[] | null }) => [list.allow?.length ? `${say('allow')} ${list.allow.join(' ')}` : '', list.deny?.length ? `${say('deny')} ${list.deny.join(' ')}` : ''].filter(Boolean).join('；') || say('none')
  return (
    <div className="grid">
      <Card size="small" title={say('terms')}>
        <Descriptions size="small" column={1} items={[
          { key: 'kind', label: say('product'), children: code(terms.kind) },
          { key: 'amount', label: say('amountRange'), children: <><Money minor={terms.amount_min_minor} currency={terms.currency} /> – <Money minor={terms.amount_max_minor} currency={terms.currency} /></> },
          { key: 'tenor', label: say('tenor'), children: `${terms.tenor_months_min} – ${say('months', { n: terms.tenor_months_max })}` },
          { key: 'methods', label: say('methods'), children: (terms.methods ?? []).map(method).join(lang === 'zh' ? '、' : ', ') },
          ...(terms.lease ? [
            { key: 'deposit', label: say('deposit'), children: say('depositRange', { from: percent(terms.lease.deposit_min), to: percent(terms.lease.deposit_max), use: code(terms.lease.deposit_use) }) },
            { key: 'residual', label: say('residual'), children: percent(terms.lease.residual_max) },
          ] : []),
          ...(terms.sales ? [{ key: 'sales', label: say('salesShare'), children: say('salesTerms', { from: percent(terms.sales.share_min), to: percent(terms.sales.share_max), min: percent(terms.sales.minimum), cap: terms.sales.cap ? percent(terms.sales.cap) : '—' }) }] : []),
          ...(terms.tranches ? [{ key: 'tranches', label: say('tranches'), children: say('tranchesTerms', { n: terms.tranches.max, m: terms.tranches.months_max }) }] : []),
          { key: 'daycount', label: say('dayCount'), children: terms.day_count.toUpperCase() },
          { key: 'grace', label: say('grace'), children: say('days', { n: terms.grace_days }) },
          { key: 'penalty', label: say('penalty'), children: percent(terms.penalty_spread, 0) },
          { key: 'purposes', label: say('purposes'), children: (terms.purposes ?? []).map((one) => text(one.name)).join(lang === 'zh' ? '、' : ', ') },
        ]} />
      </Card>
      <Card size="small" title={say('audience')}>
        <Descriptions size="small" column={1} items={[
          { key: 'types', label: say('audience'), children: (audience.customer_types ?? []).join(', ') || say('none') },
          { key: 'sizes', label: 'GB/T', children: (audience.size_classes ?? []).join(', ') || say('none') },
          { key: 'industries', label: 'GB/T 4754', children: lists(audience.industries) },
          { key: 'regions', label: 'GB/T 2260', children: lists(audience.regions) },
        ]} />
        {(recipe.evidence ?? []).map((one) => <div key={one.kind}>{say('evidenceLine', { kind: one.kind, months: one.months_min, days: one.fresh_days_max, purpose: one.purpose })}</div>)}
      </Card>
      <Card size="small" title={say('authority')}>
        <p style={{ marginTop: 0 }}>{say('straight')}<br /><span className="mono">{recipe.decision.straight_through}</span></p>
        {(recipe.decision.authority ?? []).map((row) => <div key={row.up_to_minor}>{say('upTo', { amount: money(row.up_to_minor, recipe.terms.currency) })}：{(row.roles ?? []).map((role) => roleName(lang, role)).join(' + ')}</div>)}
      </Card>
    </div>
  )
}

function Rules({ rules }: { rules: Rule[] }) {
  const say = useWords(creditWords)
  const text = useText()
  const code = useSayCode()
  return (
    <Table<Rule> size="small" rowKey="code" pagination={false} dataSource={rules} scroll={{ x: 'max-content' }} expandable={{ expandedRowRender: (rule) => <div><div className="mono">{rule.when}</div><div className="muted">{say('remedy')}：{text(rule.remedy)}</div></div> }} columns={[
      { title: say('code'), render: (_, rule) => <span className="mono">{rule.code}</span> },
      { title: say('action'), render: (_, rule) => <StateTag text={code(rule.kind)} tone={rule.kind === 'knock_out' ? 'bad' : rule.kind === 'refer' ? 'warn' : 'plain'} /> },
      { title: say('reason'), render: (_, rule) => <div style={{ maxWidth: 640 }}>{text(rule.reason)}</div> },
    ]} />
  )
}

function Limits({ recipe }: { recipe: Recipe }) {
  const say = useWords(creditWords)
  const lang = useLang()
  const text = useText()
  return (
    <div className="stack">
      <Card size="small" title={say('limit')}>
        <p className="muted" style={{ marginTop: 0 }}>{say('limitHint')}</p>
        {(recipe.limit.components ?? []).map((part) => <div key={part.id} style={{ marginBottom: 12 }}><b>{text(part.name)}</b><div className="mono">{part.amount}</div><div className="muted">{say('remedy')}：{text(part.remedy)}</div></div>)}
      </Card>
      <Card size="small" title={say('pricing')}>
        <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
          { key: 'benchmark', label: say('benchmark'), children: recipe.pricing.benchmark === 'lpr_5y' ? say('lpr_5y') : say('lpr_1y') },
          { key: 'funding', label: say('funding'), children: <Rate rate={recipe.pricing.funding} /> },
          { key: 'operating', label: say('operating'), children: <Rate rate={recipe.pricing.operating} /> },
          { key: 'lgd', label: say('lgd'), children: <Rate rate={recipe.pricing.lgd} /> },
          { key: 'margins', label: say('margins'), children: (recipe.pricing.margins ?? []).map((one) => `${one.grade} ${percent(one.rate)}`).join('　') },
          { key: 'floor', label: say('floorSpread'), children: <Rate rate={recipe.pricing.floor_spread} /> },
          { key: 'ceiling', label: say('ceiling'), children: <Rate rate={recipe.pricing.ceiling} /> },
          { key: 'adjustments', label: say('adjustments'), children: (recipe.pricing.adjustments ?? []).map((one) => text(one.name)).join('；') },
        ]} />
      </Card>
      <Card size="small" title={say('parameters')}>
        <Table<Parameter> size="small" rowKey="name" pagination={false} dataSource={recipe.parameters ?? []} scroll={{ x: 'max-content' }} columns={[
          { title: say('name'), render: (_, one) => <div>{both(lang, one.zh, one.en)}<div className="muted mono">param.{one.name}</div></div> },
          { title: say('value'), align: 'right', className: 'num', render: (_, one) => parameterValue(one, lang) },
          { title: say('source'), dataIndex: 'source', className: 'muted' },
        ]} />
      </Card>
    </div>
  )
}

function Watches({ items }: { items: Watch[] }) {
  const say = useWords(creditWords)
  const text = useText()
  const code = useSayCode()
  return (
    <Table<Watch> size="small" rowKey="code" pagination={false} dataSource={items} scroll={{ x: 'max-content' }} expandable={{ expandedRowRender: (one) => <div><div className="mono">{one.when}</div><div>{text(one.advice)}</div><div className="muted">{one.source}</div></div> }} columns={[
      { title: say('name'), render: (_, one) => <div>{text(one.name)}<div className="muted mono">{one.code}</div></div> },
      { title: say('level'), render: (_, one) => <Tag color={one.level === 'red' ? 'red' : one.level === 'orange' ? 'orange' : 'gold'}>{code(one.level)}</Tag> },
      { title: say('action'), render: (_, one) => code(one.action) },
      { title: say('reason'), render: (_, one) => <div style={{ maxWidth: 560 }}>{text(one.reason)}</div> },
    ]} />
  )
}

function Versions({ versions }: { versions: StoredVersion[] }) {
  const say = useWords(creditWords)
  const code = useSayCode()
  const may = useMay()
  const [deciding, setDeciding] = useState<{ row: StoredVersion; verb: 'approve' | 'reject' }>()
  return (
    <>
      <Table<StoredVersion> size="small" rowKey="version" pagination={false} dataSource={versions} scroll={{ x: 'max-content' }} columns={[
        { title: say('version'), dataIndex: 'version', className: 'num' },
        { title: say('status'), render: (_, row) => <StateTag text={code(row.state)} tone={row.state === 'approved' ? 'good' : row.state === 'rejected' ? 'bad' : 'warn'} /> },
        { title: say('by'), dataIndex: 'proposed_by', className: 'mono' },
        { title: say('at'), render: (_, row) => <Instant at={row.proposed_at} /> },
        { title: say('hash'), render: (_, row) => <span className="mono">{row.hash.slice(0, 12)}</span> },
        { title: '', render: (_, row) => (row.state === 'proposed' && may('product.approve') ? <div className="row"><Button size="small" type="primary" onClick={() => setDeciding({ row, verb: 'approve' })}>{say('approve')}</Button><Button size="small" danger onClick={() => setDeciding({ row, verb: 'reject' })}>{say('reject')}</Button></div> : row.note) },
      ]} />
      {deciding ? (
        <FormModal<{ note: string }> title={say(deciding.verb)} danger={deciding.verb === 'reject'} onClose={() => setDeciding(undefined)} stale={['/products']} done={say('decided')} act={(values) => ({ path: `/products/${deciding.row.product_id}/versions/${deciding.row.version}/${deciding.verb}`, body: { note: values.note ?? '' } })}>
          <Form.Item name="note" label={say('noteLabel')}><Input.TextArea rows={3} maxLength={500} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}

type Checked = { valid: boolean; id?: string; version?: number; problems: { field?: string; row?: number; message: string; remedy?: string }[] | null }

function Editor({ yaml, onClose }: { yaml: string; onClose: () => void }) {
  const say = useWords(creditWords)
  const [text, setText] = useState(yaml)
  const [checked, setChecked] = useState<Checked>()
  const check = useAction<Checked>({ onDone: setChecked })
  const propose = useAction({ stale: ['/products', '/proposals'], done: say('proposedDone'), onDone: onClose })
  return (
    <Drawer open onClose={onClose} size={760} title={say('editRecipe')} extra={<div className="row"><Button loading={check.busy} onClick={() => void check.run({ path: '/products/validate', body: { yaml: text } })}>{say('check')}</Button><Button type="primary" disabled={!checked?.valid} loading={propose.busy} onClick={() => void propose.run({ path: '/products/versions', body: { yaml: text } })}>{say('propose')}</Button></div>}>
      <div className="stack">
        {checked?.valid ? <Alert type="success" showIcon title={say('valid', { id: checked.id ?? '', version: checked.version ?? 0 })} /> : null}
        {(checked?.problems ?? []).map((one, index) => <Alert key={index} type="error" title={`${one.row ? `#${one.row} ` : ''}${one.field ?? ''} ${one.message}`} description={one.remedy} />)}
        <Input.TextArea value={text} onChange={(event) => { setText(event.target.value); setChecked(undefined) }} className="mono" autoSize={{ minRows: 24 }} maxLength={131072} spellCheck={false} aria-label={say('recipe')} />
      </div>
    </Drawer>
  )
}

export default function Product() {
  const say = useWords(creditWords)
  const text = useText()
  const may = useMay()
  const id = useId()
  const [url, setUrl] = useUrlState()
  const [editing, setEditing] = useState(false)
  const product = useGet<ProductDetail>(`/products/${id}`)
  return (
    <div className="page">
      <Async of={product}>
        {(data) => (
          <>
            <PageHeader title={text(data.recipe.name)} tag={<ProductStatus status={data.recipe.status} />} hint={text(data.recipe.summary)} crumbs={[{ text: say('products'), href: '/products' }, { text: data.recipe.id }]} actions={may('product.propose') ? <Button onClick={() => setEditing(true)}>{say('editRecipe')}</Button> : null} />
            <Tabs activeKey={url.tab ?? 'summary'} onChange={(tab) => setUrl({ tab }, true)} items={[
              { key: 'summary', label: say('summary'), children: <Overview recipe={data.recipe} /> },
              { key: 'rules', label: say('rules'), children: <Rules rules={data.recipe.eligibility ?? []} /> },
              { key: 'limit', label: `${say('limit')} · ${say('pricing')}`, children: <Limits recipe={data.recipe} /> },
              { key: 'watch', label: say('watch'), children: <Watches items={data.recipe.watch ?? []} /> },
              { key: 'recipe', label: say('recipe'), children: <><div className="muted mono">{say('hash')} {data.hash}</div><Typography.Paragraph copyable={{ text: data.yaml }}><pre style={{ overflow: 'auto', maxHeight: 640 }} className="mono">{data.yaml}</pre></Typography.Paragraph></> },
              { key: 'versions', label: say('versions'), children: <Versions versions={data.versions ?? []} /> },
            ]} />
            {editing ? <Editor yaml={data.yaml} onClose={() => setEditing(false)} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
