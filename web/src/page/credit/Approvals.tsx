import { useLang, useWords } from '../../i18n/words'
import { DataTable } from '../../widget/DataTable'
import { instant, money, percent } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Instant, Money, StateTag } from '../../widget/values'
import { applicationWords } from './applicationWords'
import { caseStates, type Case } from './approvalTypes'

export function CaseState({ state }: { state: string }) {
  const say = useWords(applicationWords)
  const known = caseStates.find((one) => one === state)
  return <StateTag text={known ? say(known) : state} tone={state === 'approved' ? 'good' : state === 'declined' ? 'bad' : state === 'open' ? 'warn' : 'plain'} />
}

export default function Approvals() {
  const say = useWords(applicationWords)
  const lang = useLang()
  return (
    <div className="page">
      <PageHeader title={say('approvals')} hint={say('approvalsHint')} />
      <DataTable<Case>
        name="approvals"
        path="/approvals"
        every={30_000}
        rowKey={(row) => row.id}
        href={(row) => `/approvals/${row.id}`}
        empty={{ text: say('noApprovals') }}
        filters={[{ kind: 'choice', name: 'state', label: say('state'), options: caseStates.map((value) => ({ value, label: say(value) })) }]}
        columns={[
          { key: 'firm', title: say('firm'), text: (row) => row.firm_name, render: (row) => <b>{row.firm_name}</b> },
          { key: 'product', title: say('product'), text: (row) => row.product_id },
          { key: 'amount', title: say('amount'), numeric: true, text: (row) => money(row.amount_minor, row.currency), render: (row) => <Money minor={row.amount_minor} currency={row.currency} /> },
          { key: 'rate', title: say('rate'), numeric: true, text: (row) => percent(row.rate) },
          { key: 'grade', title: say('grade'), text: (row) => row.grade },
          { key: 'state', title: say('state'), text: (row) => row.state, render: (row) => <CaseState state={row.state} /> },
          { key: 'due', title: say('dueDate'), text: (row) => row.due_on, render: (row) => <DateText date={row.due_on} /> },
          { key: 'opened', title: say('created'), text: (row) => instant(row.opened_at, lang), render: (row) => <Instant at={row.opened_at} /> },
        ]}
      />
    </div>
  )
}
