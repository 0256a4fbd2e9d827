import { Tag } from 'antd'
import { useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { DataTable } from '../../widget/DataTable'
import { money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Money, Rate, StateTag, type Tone } from '../../widget/values'
import type { Loan } from './types'
import { lendingWords } from './words'

const statuses = ['pending_disbursement', 'active', 'overdue', 'settled', 'cancelled', 'written_off', 'transferred'] as const
const tones: Record<string, Tone> = { pending_disbursement: 'busy', active: 'good', overdue: 'bad', written_off: 'bad' }

export function useLoanStatus(): (code: string) => string {
  const say = useWords(lendingWords)
  return (code) => { const known = statuses.find((one) => one === code); return known ? say(known) : code }
}

export function LoanStatus({ status }: { status: string }) {
  const name = useLoanStatus()
  return <StateTag text={name(status)} tone={tones[status] ?? 'plain'} />
}

export function LoanTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(lendingWords)
  const status = useLoanStatus()
  return (
    <DataTable<Loan>
      name={name}
      path="/loans"
      rowKey={(row) => row.id}
      href={(row) => `/loans/${row.id}`}
      empty={{ text: say('noLoans') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      filters={[{ kind: 'choice', name: 'status', label: say('status'), options: statuses.map((value) => ({ value, label: say(value) })) }]}
      columns={[
        { key: 'id', title: say('loan'), text: (row) => row.id, render: (row) => <Id id={row.id} /> },
        { key: 'payee', title: say('firm'), text: (row) => row.payee_name },
        { key: 'principal', title: say('principal'), numeric: true, text: (row) => money(row.principal_minor, row.currency), render: (row) => <Money minor={row.principal_minor} currency={row.currency} /> },
        { key: 'outstanding', title: say('outstanding'), numeric: true, text: (row) => money(row.outstanding_minor, row.currency), render: (row) => <Money minor={row.outstanding_minor} currency={row.currency} /> },
        { key: 'rate', title: say('rate'), numeric: true, text: (row) => percent(row.terms.annual_rate), render: (row) => <Rate rate={row.terms.annual_rate} /> },
        { key: 'status', title: say('status'), text: (row) => status(row.status), render: (row) => <LoanStatus status={row.status} /> },
        { key: 'next', title: say('nextDue'), text: (row) => row.next_due_on ?? '', render: (row) => <DateText date={row.next_due_on} /> },
        { key: 'due', title: say('due'), numeric: true, text: (row) => money(row.due_minor, row.currency), render: (row) => <Money minor={row.due_minor} currency={row.currency} /> },
        { key: 'dpd', title: say('daysPastDue'), numeric: true, text: (row) => String(row.days_past_due) },
        { key: 'maturity', title: say('maturity'), extra: true, text: (row) => row.maturity_on, render: (row) => <DateText date={row.maturity_on} /> },
      ]}
    />
  )
}

export default function Loans() {
  const say = useWords(lendingWords)
  const [url, setUrl] = useUrlState()
  const from = url.days_past_due_from ?? ''
  const until = url.days_past_due_until ?? ''
  const late = from || until
  return (
    <div className="page">
      <PageHeader title={say('loans')} hint={say('loansHint')} />
      {late ? <div><Tag closable onClose={() => setUrl({ days_past_due_from: undefined, days_past_due_until: undefined, cursor: undefined })}>{say('daysPastDue')} <span className="num">{from || '0'} – {until || '…'}</span></Tag></div> : null}
      <LoanTable key={`${from}-${until}`} name="loans" {...(late ? { fixed: { ...(from ? { days_past_due_from: from } : {}), ...(until ? { days_past_due_until: until } : {}) } } : {})} />
    </div>
  )
}
