import { Alert, Button, Card, Descriptions, Empty, Form, Statistic, Switch, Table, Tabs } from 'antd'
import { useRef, useState } from 'react'
import { newKey } from '../../api/client'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A, useId, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { money, percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Instant, Money, StateTag, useText } from '../../widget/values'
import { EntryTable } from '../books/Journal'
import { LoanStatus } from './Loans'
import { Papers } from './Papers'
import { total, type LoanDetail, type LoanEvent, type Row, type Statement, type StatementLine } from './types'
import { lendingWords } from './words'

function Schedule({ loan }: { loan: LoanDetail }) {
  const say = useWords(lendingWords)
  const amount = (minor: number) => <Money minor={minor} currency={loan.currency} />
  return (
    <Table<Row> size="small" rowKey="no" pagination={false} dataSource={loan.schedule ?? []} scroll={{ x: 'max-content' }} columns={[
      { title: say('no'), dataIndex: 'no' },
      { title: say('dueDate'), render: (_, row) => <DateText date={row.due_date} /> },
      { title: say('days'), dataIndex: 'days', align: 'right', className: 'num' },
      { title: say('principal'), align: 'right', render: (_, row) => amount(row.principal_minor) },
      { title: say('interest'), align: 'right', render: (_, row) => amount(row.interest_minor) },
      { title: say('total'), align: 'right', render: (_, row) => <b>{amount(row.total_minor)}</b> },
      { title: say('paid'), align: 'right', render: (_, row) => amount(row.paid_principal_minor + row.paid_interest_minor) },
      { title: say('balance'), align: 'right', render: (_, row) => amount(row.balance_minor) },
      { title: say('status'), render: (_, row) => <StateTag text={row.cleared_on ? `${say('cleared')} ${row.cleared_on}` : row.billed ? say('billed') : say('plan')} tone={row.cleared_on ? 'good' : row.billed ? 'warn' : 'plain'} /> },
    ]} />
  )
}

function useKind(): (code: string) => string {
  const say = useWords(lendingWords)
  const names: Record<string, string> = { disbursed: say('disbursed'), repaid: say('repaidKind'), fee_charged: say('fee_charged'), cancelled: say('cancelled'), instalment_due: say('due') }
  return (code) => names[code] ?? code
}

function Events({ id, currency }: { id: string; currency: string }) {
  const say = useWords(lendingWords)
  const kind = useKind()
  const events = useGet<{ items: LoanEvent[] | null }>(`/loans/${id}/events`)
  return (
    <Async of={events}>
      {(data) => (
        <Table<LoanEvent> size="small" rowKey="seq" pagination={false} dataSource={data.items ?? []} scroll={{ x: 'max-content' }} columns={[
          { title: say('no'), dataIndex: 'seq' },
          { title: say('kind'), render: (_, row) => kind(row.kind) },
          { title: say('valueDate'), render: (_, row) => <DateText date={row.date} /> },
          { title: say('amount'), align: 'right', render: (_, row) => <Money minor={row.amount_minor} currency={currency} /> },
          { title: say('at'), render: (_, row) => <Instant at={row.booked_at} /> },
          { title: say('reference'), render: (_, row) => <span className="mono">{row.key}</span> },
          { title: say('hashChain'), render: (_, row) => <span className="mono">{row.hash.slice(0, 12)}</span> },
        ]} />
      )}
    </Async>
  )
}

function StatementTab({ id, currency }: { id: string; currency: string }) {
  const say = useWords(lendingWords)
  const text = useText()
  const statement = useGet<Statement>(`/loans/${id}/statement`)
  return (
    <Async of={statement}>
      {(data) => (
        <div className="stack">
        <Papers id={id} settled={data.loan?.status === 'settled'} />
        <Table<StatementLine> size="small" rowKey={(line) => `${line.date}${line.kind}${line.principal_minor}${line.amount_minor}`} pagination={false} dataSource={data.lines ?? []} scroll={{ x: 'max-content' }} locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} /> }} title={() => <span className="num">{data.from} – {data.until}</span>} columns={[
          { title: say('valueDate'), render: (_, line) => <DateText date={line.date} /> },
          { title: say('description'), render: (_, line) => <div>{text(line.memo)}{line.allocation ? <div className="muted num">{say('principal')} {money(line.allocation.principal_minor, currency)} · {say('interest')} {money(line.allocation.interest_minor, currency)}{line.allocation.penalty_minor ? ` · ${say('penalty')} ${money(line.allocation.penalty_minor, currency)}` : ''}{line.allocation.fee_minor ? ` · ${say('fee')} ${money(line.allocation.fee_minor, currency)}` : ''}</div> : null}</div> },
          { title: say('debit'), align: 'right', render: (_, line) => (line.amount_minor > 0 ? <Money minor={line.amount_minor} currency={currency} /> : null) },
          { title: say('credit'), align: 'right', render: (_, line) => (line.amount_minor < 0 ? <Money minor={-line.amount_minor} currency={currency} /> : null) },
          { title: say('outstanding'), align: 'right', render: (_, line) => <Money minor={line.principal_minor} currency={currency} /> },
        ]} />
        </div>
      )}
    </Async>
  )
}

function RepayForm({ loan, onClose }: { loan: LoanDetail; onClose: () => void }) {
  const say = useWords(lendingWords)
  const reference = useRef(newKey())
  return (
    <FormModal<{ amount_minor: number; prepay: boolean }> title={say('repay')} onClose={onClose} stale={['/loans', '/facilities', '/journal-entries', '/trial-balance', '/firms']} done={say('repaid')} initial={{ amount_minor: total(loan.due) || total(loan.payoff), prepay: total(loan.due) === 0 }} act={(values) => ({ path: `/loans/${loan.id}/repayments`, body: { ...values, reference: reference.current } })}>
      <p className="muted num">{say('due')} {money(total(loan.due), loan.currency)} · {say('total')} {money(total(loan.payoff), loan.currency)}</p>
      <Form.Item name="amount_minor" label={say('amount')} rules={[{ required: true, message: say('required') }]}><MoneyInput autoFocus /></Form.Item>
      <Form.Item name="prepay" valuePropName="checked" label={say('prepay')}><Switch /></Form.Item>
    </FormModal>
  )
}

export default function LoanPage() {
  const say = useWords(lendingWords)
  const may = useMay()
  const id = useId()
  const [url, setUrl] = useUrlState()
  const [repaying, setRepaying] = useState(false)
  const found = useGet<LoanDetail>(`/loans/${id}`, undefined, { every: (loan) => (loan?.status === 'pending_disbursement' ? 1500 : false) })
  return (
    <div className="page">
      <Async of={found}>
        {(loan) => (
          <>
            <PageHeader title={loan.payee_name || say('loan')} tag={<LoanStatus status={loan.status} />} crumbs={[{ text: say('loans'), href: '/loans' }, { text: loan.id }]} actions={may('loan.repay') && (loan.status === 'active' || loan.status === 'overdue') ? <Button type="primary" onClick={() => setRepaying(true)} data-testid="repay">{say('repay')}</Button> : null} />
            {loan.days_past_due > 0 ? <Alert type="error" showIcon title={`${say('overdue')} · ${say('daysPastDue')} ${loan.days_past_due}`} /> : null}
            <div className="tiles">
              <Card size="small"><Statistic title={say('principal')} value={money(loan.principal_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('outstanding')} value={money(loan.outstanding_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('due')} value={money(loan.due_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={`${say('nextDue')}${loan.next_due_on ? ` · ${loan.next_due_on}` : ''}`} value={money(loan.next_due_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('rate')} value={percent(loan.terms.annual_rate)} /></Card>
            </div>
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
                { key: 'firm', label: say('firm'), children: <A href={`/firms/${loan.firm_id}`}>{loan.payee_name}</A> },
                { key: 'facility', label: say('facility'), children: <A href={`/facilities/${loan.facility_id}`}><Id id={loan.facility_id} /></A> },
                { key: 'method', label: say('method'), children: loan.terms.method in lendingWords ? say(loan.terms.method as keyof typeof lendingWords) : loan.terms.method },
                { key: 'start', label: say('starts'), children: loan.terms.start },
                { key: 'maturity', label: say('maturity'), children: loan.maturity_on },
                { key: 'basis', label: say('basis'), children: String(loan.terms.basis).toUpperCase() },
                { key: 'grace', label: say('grace'), children: say('graceDays', { n: loan.terms.grace_days }) },
                { key: 'penalty', label: say('penaltyRate'), children: percent(loan.terms.penalty_rate) },
                { key: 'processed', label: say('processedTo'), children: loan.processed_to },
                { key: 'account', label: say('payeeAccount'), children: <span className="num">{loan.payee_account}</span> },
              ]} />
            </Card>
            <Tabs activeKey={url.tab ?? 'schedule'} onChange={(tab) => setUrl({ tab }, true)} items={[
              { key: 'schedule', label: say('schedule'), children: <Schedule loan={loan} /> },
              { key: 'statement', label: say('statement'), children: <StatementTab id={id} currency={loan.currency} /> },
              { key: 'events', label: say('events'), children: <Events id={id} currency={loan.currency} /> },
              ...(may('journal.read') ? [{ key: 'journal', label: say('journal'), children: <EntryTable name="loan-journal" fixed={{ object: 'loan', object_id: id }} prefix="j_" /> }] : []),
            ]} />
            {repaying ? <RepayForm loan={loan} onClose={() => setRepaying(false)} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
