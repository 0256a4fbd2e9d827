import { Progress } from 'antd'
import { useWords } from '../../i18n/words'
import { DataTable } from '../../widget/DataTable'
import { money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Money, Rate, StateTag } from '../../widget/values'
import type { Facility } from './types'
import { lendingWords } from './words'

export function FacilityStatus({ facility }: { facility: Pick<Facility, 'status' | 'expired'> }) {
  const say = useWords(lendingWords)
  const known = (['active', 'frozen', 'closed'] as const).find((one) => one === facility.status)
  if (facility.expired && facility.status === 'active') return <StateTag text={say('expired')} tone="warn" />
  return <StateTag text={known ? say(known) : facility.status} tone={facility.status === 'active' ? 'good' : facility.status === 'frozen' ? 'bad' : 'plain'} />
}

export function Used({ facility }: { facility: Facility }) {
  return <Progress percent={facility.limit_minor > 0 ? Math.round((facility.utilised_minor / facility.limit_minor) * 100) : 0} size="small" style={{ minWidth: 110, margin: 0 }} />
}

export function FacilityTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(lendingWords)
  return (
    <DataTable<Facility>
      name={name}
      path="/facilities"
      rowKey={(row) => row.id}
      href={(row) => `/facilities/${row.id}`}
      empty={{ text: say('noFacilities') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      filters={[{ kind: 'choice', name: 'status', label: say('status'), options: (['active', 'frozen', 'closed'] as const).map((value) => ({ value, label: say(value) })) }]}
      columns={[
        { key: 'id', title: say('facility'), text: (row) => row.id, render: (row) => <Id id={row.id} /> },
        { key: 'firm', title: say('firm'), extra: Boolean(fixed?.firm_id), text: (row) => row.firm_name ?? row.firm_id, render: (row) => row.firm_name ?? <Id id={row.firm_id} /> },
        { key: 'product', title: say('product'), text: (row) => row.product_id },
        { key: 'limit', title: say('limit'), numeric: true, text: (row) => money(row.limit_minor, row.currency), render: (row) => <Money minor={row.limit_minor} currency={row.currency} /> },
        { key: 'usedBar', title: say('used'), text: (row) => money(row.utilised_minor, row.currency), render: (row) => <Used facility={row} /> },
        { key: 'available', title: say('available'), numeric: true, text: (row) => money(row.available_minor, row.currency), render: (row) => <Money minor={row.available_minor} currency={row.currency} /> },
        { key: 'rate', title: say('rate'), numeric: true, text: (row) => percent(row.rate), render: (row) => <Rate rate={row.rate} /> },
        { key: 'status', title: say('status'), text: (row) => row.status, render: (row) => <FacilityStatus facility={row} /> },
        { key: 'expires', title: say('expires'), text: (row) => row.expires_on, render: (row) => <DateText date={row.expires_on} /> },
      ]}
    />
  )
}

export default function Facilities() {
  const say = useWords(lendingWords)
  return (
    <div className="page">
      <PageHeader title={say('facilities')} hint={say('facilitiesHint')} />
      <FacilityTable name="facilities" />
    </div>
  )
}
