import { Alert, Button, Card, DatePicker, Descriptions, Empty, Form, Select, Space, Statistic, Switch, Table, Tabs } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
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
import { ChangeForm, type ChangeFields } from './ChangeForm'
import { Papers } from './Papers'
import { RenewForm, TrancheForm } from './RenewForm'
import { servicingWords } from './servicingWords'
import { strategies, total, type LoanDetail, type LoanEvent, type Row, type Statement, type StatementLine } from './types'
import { WhatIfTab } from './WhatIfTab'
import { lendingWords } from './words'

function Schedule({ loan }: { loan: LoanDetail }) {
  const say = useWords(lendingWords)
  const amount = (minor: number) => <Money minor={minor} currency={loan.currency} />
  const rows = loan.schedule ?? []
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0)
  const ahead = loan.totals.paid_principal_minor - sum((row) => row.paid_principal_minor)
  const cells = [sum((row) => row.principal_minor), sum((row) => row.interest_minor), sum((row) => row.total_minor), sum((row) => row.paid_principal_minor + row.paid_interest_minor)]
  const summary = () => rows.length === 0 ? null : (
    <>
      <Table.Summary.Row>
        <Table.Summary.Cell index={0} colSpan={3}><b>{say('total')}</b></Table.Summary.Cell>
        {cells.map((minor, at) => <Table.Summary.Cell key={at} index={3 + at} align="right"><b>{amount(minor)}</b></Table.Summary.Cell>)}
        <Table.Summary.Cell index={7} colSpan={2} />
      </Table.Summary.Row>
      {ahead > 0 ? (
        <Table.Summary.Row>
          <Table.Summary.Cell index={0} colSpan={3}><span className="muted">{say('paidAhead')}</span></Table.Summary.Cell>
          <Table.Summary.Cell index={3} align="right">{amount(ahead)}</Table.Summary.Cell>
          <Table.Summary.Cell index={4} colSpan={5} />
        </Table.Summary.Row>
      ) : null}
    </>
  )
  return (
    <Table<Row> size="small" rowKey="no" pagination={false} summary={summary} dataSource={rows} scroll={{ x: 'max-content' }} columns={[
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
  const say = useWords(servicingWords)
  return (code) => (code in servicingWords ? say(code as keyof typeof servicingWords) : code)
}

const fixed = ['disbursed', 'cancelled', 'reversed', 'transferred']

function Events({ id, currency, onReverse }: { id: string; currency: string; onReverse?: ((seq: number) => void) | undefined }) {
  const say = useWords(lendingWords)
  const servicing = useWords(servicingWords)
  const kind = useKind()
  const events = useGet<{ items: LoanEvent[] | null }>(`/loans/${id}/events`)
  return (
    <Async of={events}>
      {(data) => (
        <Table<LoanEvent> size="small" rowKey="seq" pagination={false} dataSource={data.items ?? []} scroll={{ x: 'max-content' }} columns={[
          { title: say('sequence'), dataIndex: 'seq' },
          { title: say('kind'), render: (_, row) => kind(row.kind) },
          { title: say('valueDate'), render: (_, row) => <DateText date={row.date} /> },
          { title: say('amount'), align: 'right', render: (_, row) => <Money minor={row.amount_minor} currency={currency} /> },
          { title: say('at'), render: (_, row) => <Instant at={row.booked_at} /> },
          { title: say('note'), render: (_, row) => row.note ?? '' },
          { title: say('reference'), render: (_, row) => <span className="mono">{row.key}</span> },
          { title: say('hashChain'), render: (_, row) => <span className="mono">{row.hash.slice(0, 12)}</span> },
          ...(onReverse ? [{ title: '', fixed: 'right' as const, render: (_: unknown, row: LoanEvent) => (fixed.includes(row.kind) || (data.items ?? []).some((other) => other.kind === 'reversed' && other.detail?.of === row.seq) ? null : <Button size="small" onClick={() => onReverse(row.seq)}>{servicing('takeBack')}</Button>) }] : []),
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
        <Table<StatementLine> size="small" rowKey={(line) => String((data.lines ?? []).indexOf(line))} pagination={false} dataSource={data.lines ?? []} scroll={{ x: 'max-content' }} locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} /> }} title={() => <span className="num">{data.from} – {data.until}</span>} columns={[
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

type RepayFields = { amount_minor: number; prepay: boolean; strategy?: string; value_date?: Dayjs | null; keep_surplus: boolean }

function RepayForm({ loan, onClose }: { loan: LoanDetail; onClose: () => void }) {
  const say = useWords(lendingWords)
  const servicing = useWords(servicingWords)
  const reference = useRef(newKey())
  return (
    <FormModal<RepayFields> title={say('repay')} onClose={onClose} stale={['/loans', '/facilities', '/journal-entries', '/trial-balance', '/firms']} done={say('repaid')} initial={{ amount_minor: total(loan.due) || total(loan.payoff), prepay: total(loan.due) === 0, value_date: dayjs(loan.processed_to), keep_surplus: false }} act={(values) => ({ path: `/loans/${loan.id}/repayments`, body: { amount_minor: values.amount_minor, prepay: values.prepay, keep_surplus: values.keep_surplus, ...(values.strategy ? { strategy: values.strategy } : {}), ...(values.value_date ? { value_date: values.value_date.format('YYYY-MM-DD') } : {}), reference: reference.current } })}>
      <p className="muted num">{say('due')} {money(total(loan.due), loan.currency)} · {say('total')} {money(total(loan.payoff), loan.currency)}</p>
      <Form.Item name="amount_minor" label={say('amount')} rules={[{ required: true, message: say('required') }]}><MoneyInput autoFocus /></Form.Item>
      <Form.Item name="value_date" label={servicing('arrived')}><DatePicker style={{ width: '100%' }} /></Form.Item>
      <Form.Item name="prepay" valuePropName="checked" label={say('prepay')}><Switch /></Form.Item>
      <Form.Item name="strategy" label={servicing('strategy')}><Select allowClear options={strategies.map((value) => ({ value, label: servicing(value) }))} /></Form.Item>
      <Form.Item name="keep_surplus" valuePropName="checked" label={servicing('keep')}><Switch /></Form.Item>
    </FormModal>
  )
}

const isOpen = (loan: LoanDetail) => loan.status === 'active' || loan.status === 'overdue'

/** What is special about a loan, one tag each. */
function Marks({ loan }: { loan: LoanDetail }) {
  const say = useWords(servicingWords)
  const marks = [
    loan.non_accrual ? { text: say('nonAccrual'), tone: 'bad' as const } : null,
    loan.stopped ? { text: say('stopped'), tone: 'bad' as const } : null,
    loan.accelerated ? { text: say('acceleratedTag'), tone: 'bad' as const } : null,
    loan.observation?.passed_on ? { text: say('observedPassed', { date: loan.observation.passed_on }), tone: 'good' as const } : loan.observation?.since ? { text: say('observed', { date: loan.observation.since }), tone: 'warn' as const } : null,
    loan.extensions ? { text: say('extensions', { n: loan.extensions }), tone: 'plain' as const } : null,
    loan.facts.entrusted ? { text: say('entrusted'), tone: 'plain' as const } : null,
    loan.totals.credit_held_minor ? { text: say('credit', { amount: money(loan.totals.credit_held_minor, loan.currency) }), tone: 'warn' as const } : null,
  ].filter((mark) => mark !== null)
  return marks.length ? <Space wrap>{marks.map((mark) => <StateTag key={mark.text} text={mark.text} tone={mark.tone} />)}</Space> : null
}

export default function LoanPage() {
  const say = useWords(lendingWords)
  const may = useMay()
  const id = useId()
  const [url, setUrl] = useUrlState()
  const servicing = useWords(servicingWords)
  const [repaying, setRepaying] = useState(false)
  const [changing, setChanging] = useState<Partial<ChangeFields>>()
  const [renewing, setRenewing] = useState(false)
  const [paying, setPaying] = useState(false)
  const found = useGet<LoanDetail>(`/loans/${id}`, undefined, { every: (loan) => (loan?.status === 'pending_disbursement' ? 1500 : false) })
  return (
    <div className="page">
      <Async of={found}>
        {(loan) => (
          <>
            <PageHeader title={loan.payee_name || say('loan')} tag={<LoanStatus status={loan.status} />} crumbs={[{ text: say('loans'), href: '/loans' }, { text: loan.id }]} actions={<Space wrap>
              {isOpen(loan) && may('loan.draw') && loan.terms.tranched && loan.totals.disbursed_minor < loan.principal_minor ? <Button onClick={() => setPaying(true)}>{servicing('tranche')}</Button> : null}
              {isOpen(loan) && may('loan.draw') ? <Button onClick={() => setRenewing(true)}>{servicing('renew')}</Button> : null}
              {(isOpen(loan) || (loan.totals.credit_held_minor ?? 0) > 0) && may('loan.service') ? <Button onClick={() => setChanging({})} data-testid="change-loan">{servicing('change')}</Button> : null}
              {may('loan.repay') && (isOpen(loan) || loan.status === 'written_off') ? <Button type="primary" onClick={() => setRepaying(true)} data-testid="repay">{say('repay')}</Button> : null}
            </Space>} />
            {loan.days_past_due > 0 ? <Alert type="error" showIcon title={`${say('overdue')} · ${say('daysPastDue')} ${loan.days_past_due}`} /> : null}
            <Marks loan={loan} />
            <div className="tiles">
              <Card size="small"><Statistic title={say('principal')} value={money(loan.principal_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('outstanding')} value={money(loan.outstanding_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('due')} value={money(loan.due_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={`${say('nextDue')}${loan.next_due_on ? ` · ${loan.next_due_on}` : ''}`} value={money(loan.next_due_minor, loan.currency)} /></Card>
              <Card size="small"><Statistic title={say('rate')} value={percent(loan.rate)} /></Card>
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
                { key: 'penalty', label: say('penaltyRate'), children: percent(loan.penalty_rate) },
                { key: 'processed', label: say('processedTo'), children: loan.processed_to },
                { key: 'account', label: say('payeeAccount'), children: <span className="num">{loan.payee_account}</span> },
                ...(loan.facts.repay_account ? [{ key: 'collect', label: servicing('repayAccount'), children: <span className="num">{loan.facts.repay_account}</span> }] : []),
                ...(loan.facts.purpose ? [{ key: 'purpose', label: servicing('purpose'), children: loan.facts.purpose }] : []),
                ...(loan.facts.predecessor_id ? [{ key: 'from', label: servicing('renewedFrom'), children: <A href={`/loans/${loan.facts.predecessor_id}`}><Id id={loan.facts.predecessor_id} /></A> }] : []),
                ...(loan.facts.successor_id ? [{ key: 'by', label: servicing('renewedBy'), children: <A href={`/loans/${loan.facts.successor_id}`}><Id id={loan.facts.successor_id} /></A> }] : []),
              ]} />
            </Card>
            <Tabs activeKey={url.tab ?? 'schedule'} onChange={(tab) => setUrl({ tab }, true)} items={[
              { key: 'schedule', label: say('schedule'), children: <Schedule loan={loan} /> },
              { key: 'statement', label: say('statement'), children: <StatementTab id={id} currency={loan.currency} /> },
              ...(isOpen(loan) ? [{ key: 'what-if', label: servicing('whatIf'), children: <WhatIfTab loan={loan} /> }] : []),
              { key: 'events', label: say('events'), children: <Events id={id} currency={loan.currency} onReverse={may('loan.service') ? (of) => setChanging({ kind: 'reversed', of }) : undefined} /> },
              ...(may('journal.read') ? [{ key: 'journal', label: say('journal'), children: <EntryTable name="loan-journal" fixed={{ object: 'loan', object_id: id }} prefix="j_" /> }] : []),
            ]} />
            {repaying ? <RepayForm loan={loan} onClose={() => setRepaying(false)} /> : null}
            {changing ? <ChangeForm loan={loan} initial={changing} onClose={() => setChanging(undefined)} /> : null}
            {renewing ? <RenewForm loan={loan} onClose={() => setRenewing(false)} /> : null}
            {paying ? <TrancheForm loan={loan} onClose={() => setPaying(false)} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
