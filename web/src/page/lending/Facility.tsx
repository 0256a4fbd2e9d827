import { Alert, Button, Card, Descriptions, Form, Input, Statistic, Table } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { money, percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { Id, Instant, Money, useText } from '../../widget/values'
import { DrawForm } from './DrawForm'
import { FacilityStatus } from './Facilities'
import { LoanTable } from './Loans'
import type { Facility, Movement } from './types'
import { lendingWords } from './words'

function Movements({ rows, currency }: { rows: Movement[]; currency: string }) {
  const say = useWords(lendingWords)
  const text = useText()
  const kinds: Record<string, keyof typeof lendingWords> = { open: 'open', reserve: 'reserve', release: 'release', limit: 'limitMove', set_limit: 'set_limit', freeze: 'freeze', unfreeze: 'unfreeze', close: 'close' }
  const kind = (code: string) => (kinds[code] ? say(kinds[code]) : code)
  return (
    <Table<Movement> size="small" rowKey="id" pagination={{ pageSize: 20, hideOnSinglePage: true }} dataSource={rows} scroll={{ x: 'max-content' }} columns={[
      { title: say('at'), render: (_, row) => <Instant at={row.at} /> },
      { title: say('kind'), render: (_, row) => kind(row.kind) },
      { title: say('amount'), align: 'right', render: (_, row) => <Money minor={row.amount_minor} currency={currency} /> },
      { title: say('limitAfter'), align: 'right', render: (_, row) => <Money minor={row.limit_after_minor} currency={currency} /> },
      { title: say('usedAfter'), align: 'right', render: (_, row) => <Money minor={row.utilised_after_minor} currency={currency} /> },
      { title: say('why'), render: (_, row) => <div style={{ maxWidth: 420 }}>{text(row.reason)}</div> },
    ]} />
  )
}

type Verb = 'freeze' | 'unfreeze' | 'limit'

/** Less money can be promised at once; more, or again, needs another person. */
function LimitActions({ facility }: { facility: Facility }) {
  const say = useWords(lendingWords)
  const may = useMay()
  const [verb, setVerb] = useState<Verb>()
  return (
    <>
      {facility.status === 'active' && may('facility.freeze') ? <><Button onClick={() => setVerb('limit')}>{say('lower')}</Button><Button danger onClick={() => setVerb('freeze')}>{say('freeze')}</Button></> : null}
      {facility.status === 'frozen' && may('facility.unfreeze') ? <Button onClick={() => setVerb('unfreeze')}>{say('unfreeze')}</Button> : null}
      {verb ? (
        <FormModal<{ reason: string; limit_minor?: number }> title={verb === 'limit' ? say('lower') : say(verb)} danger={verb === 'freeze'} onClose={() => setVerb(undefined)} stale={['/facilities', '/firms']} initial={{ limit_minor: facility.limit_minor }} act={({ reason, limit_minor }) => ({ path: `/facilities/${facility.id}/${verb}`, body: { reason, ...(verb === 'limit' ? { limit_minor } : {}) } })}>
          {verb === 'limit' ? <Form.Item name="limit_minor" label={say('limit')} rules={[{ required: true, message: say('required') }]}><MoneyInput currency={facility.currency} /></Form.Item> : null}
          <Form.Item name="reason" label={say('why')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={2} maxLength={500} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}

export default function FacilityPage() {
  const say = useWords(lendingWords)
  const text = useText()
  const may = useMay()
  const id = useId()
  const [drawing, setDrawing] = useState(false)
  const found = useGet<Facility & { movements: Movement[] | null }>(`/facilities/${id}`)
  const firm = useGet<{ name: string }>(found.data ? `/firms/${found.data.firm_id}` : undefined)
  return (
    <div className="page">
      <Async of={found}>
        {(facility) => (
          <>
            <PageHeader title={firm.data?.name ?? say('facility')} tag={<FacilityStatus facility={facility} />} crumbs={[{ text: say('facilities'), href: '/facilities' }, { text: facility.id }]} actions={<><LimitActions facility={facility} />{may('loan.draw') ? <Button type="primary" disabled={facility.available_minor <= 0} onClick={() => setDrawing(true)} data-testid="draw">{say('draw')}</Button> : null}</>} />
            {facility.status === 'frozen' || text(facility.status_reason) ? <Alert type={facility.status === 'frozen' ? 'error' : 'info'} showIcon title={text(facility.status_reason) || say('frozen')} /> : null}
            <div className="tiles">
              <Card size="small"><Statistic title={say('limit')} value={money(facility.limit_minor, facility.currency)} /></Card>
              <Card size="small"><Statistic title={say('used')} value={money(facility.utilised_minor, facility.currency)} /></Card>
              <Card size="small"><Statistic title={say('available')} value={money(facility.available_minor, facility.currency)} /></Card>
              <Card size="small"><Statistic title={say('rate')} value={percent(facility.rate)} /></Card>
            </div>
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
                { key: 'firm', label: say('firm'), children: <A href={`/firms/${facility.firm_id}`}>{firm.data?.name ?? facility.firm_id}</A> },
                { key: 'product', label: say('product'), children: <A href={`/products/${facility.product_id}`}>{facility.product_id} v{facility.product_version}</A> },
                { key: 'contract', label: say('contract'), children: facility.contract_id ? <A href={`/contracts/${facility.contract_id}`}><Id id={facility.contract_id} /></A> : '—' },
                { key: 'starts', label: say('starts'), children: facility.starts_on },
                { key: 'expires', label: say('expires'), children: facility.expires_on },
                { key: 'application', label: 'ID', children: facility.application_id ? <A href={`/applications/${facility.application_id}`}><Id id={facility.application_id} /></A> : <Id id={facility.id} /> },
              ]} />
            </Card>
            <Card size="small" title={say('loans')}><LoanTable name="facility-loans" fixed={{ facility_id: id }} prefix="l_" /></Card>
            <Card size="small" title={say('movements')}><Movements rows={facility.movements ?? []} currency={facility.currency} /></Card>
            {drawing ? <DrawForm facility={facility} onClose={() => setDrawing(false)} {...(firm.data ? { payee: firm.data.name } : {})} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
