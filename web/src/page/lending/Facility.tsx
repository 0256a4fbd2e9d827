import { Alert, Button, Card, Descriptions, Statistic } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { DataTable } from '../../widget/DataTable'
import { instant, money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Id, Instant, Money, useText } from '../../widget/values'
import { DrawForm } from './DrawForm'
import { FacilityStatus } from './Facilities'
import { LoanTable } from './Loans'
import type { Facility, Movement } from './types'
import { lendingWords } from './words'

function Movements({ id, currency }: { id: string; currency: string }) {
  const say = useWords(lendingWords)
  const lang = useLang()
  const text = useText()
  const kinds: Record<string, keyof typeof lendingWords> = { open: 'open', reserve: 'reserve', release: 'release', limit: 'limitMove', set_limit: 'set_limit', freeze: 'freeze', unfreeze: 'unfreeze', close: 'close' }
  const kind = (code: string) => (kinds[code] ? say(kinds[code]) : code)
  return (
    <DataTable<Movement>
      name="movements"
      prefix="m_"
      path={`/facilities/${id}/movements`}
      rowKey={(row) => row.id}
      columns={[
        { key: 'at', title: say('at'), text: (row) => instant(row.at, lang), render: (row) => <Instant at={row.at} /> },
        { key: 'kind', title: say('kind'), text: (row) => kind(row.kind) },
        { key: 'amount', title: say('amount'), numeric: true, text: (row) => money(row.amount_minor, currency), render: (row) => <Money minor={row.amount_minor} currency={currency} /> },
        { key: 'limit', title: say('limitAfter'), numeric: true, text: (row) => money(row.limit_after_minor, currency), render: (row) => <Money minor={row.limit_after_minor} currency={currency} /> },
        { key: 'used', title: say('usedAfter'), numeric: true, text: (row) => money(row.utilised_after_minor, currency), render: (row) => <Money minor={row.utilised_after_minor} currency={currency} /> },
        { key: 'why', title: say('why'), text: (row) => text(row.reason) },
      ]}
    />
  )
}

export default function FacilityPage() {
  const say = useWords(lendingWords)
  const text = useText()
  const may = useMay()
  const id = useId()
  const [drawing, setDrawing] = useState(false)
  const found = useGet<Facility>(`/facilities/${id}`)
  const firm = useGet<{ name: string }>(found.data ? `/firms/${found.data.firm_id}` : undefined)
  return (
    <div className="page">
      <Async of={found}>
        {(facility) => (
          <>
            <PageHeader title={firm.data?.name ?? say('facility')} tag={<FacilityStatus facility={facility} />} crumbs={[{ text: say('facilities'), href: '/facilities' }, { text: facility.id }]} actions={may('loan.draw') ? <Button type="primary" disabled={facility.available_minor <= 0} onClick={() => setDrawing(true)} data-testid="draw">{say('draw')}</Button> : null} />
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
            <Card size="small" title={say('movements')}><Movements id={id} currency={facility.currency} /></Card>
            {drawing ? <DrawForm facility={facility} onClose={() => setDrawing(false)} {...(firm.data ? { payee: firm.data.name } : {})} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
