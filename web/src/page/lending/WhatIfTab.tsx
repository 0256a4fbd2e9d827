import { Button, Card, DatePicker, Empty, Form, Select, Statistic, Table } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { money } from '../../widget/format'
import { MoneyInput } from '../../widget/inputs'
import { DateText, Money } from '../../widget/values'
import { ChangeParts, detailOf, type ChangeFields } from './ChangeForm'
import { servicingWords } from './servicingWords'
import { strategies, total, type LoanDetail, type Row } from './types'

type Outlook = { outstanding_minor: number; payoff_minor: number; next_due_on?: string; next_due_minor: number; maturity_on?: string; instalments_ahead: number; interest_ahead_minor: number }
type Answer = { on: string; before: Outlook; after: Outlook; rows_before: Row[] | null; rows: Row[] | null; interest_saved_minor: number; ends_on?: string; ended_on?: string }
type Fields = Omit<ChangeFields, 'reason'> & { date: Dayjs; strategy?: string }
type Pair = { key: string; before?: Row; after?: Row }

const kinds = ['repaid', 'rate_changed', 'due_moved', 'extended', 'restructured', 'waived', 'accelerated'] as const
const grid = { display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 200px), 1fr))' }

/** A loan's future with and without something that may happen to it. */
export function WhatIfTab({ loan }: { loan: LoanDetail }) {
  const say = useWords(servicingWords)
  const [form] = Form.useForm<Fields>()
  const [answer, setAnswer] = useState<Answer>()
  const { run, busy } = useAction<Answer>({ onDone: setAnswer })
  const must = [{ required: true, message: say('required') }]
  const submit = (values: Fields) => {
    const repaid = values.kind === 'repaid'
    void run({ path: `/loans/${loan.id}/what-if`, body: { events: [{ kind: values.kind, date: values.date.format('YYYY-MM-DD'), ...(values.amount_minor ? { amount_minor: values.amount_minor } : {}), ...(repaid ? { prepay: true } : {}), detail: repaid ? { strategy: values.strategy } : detailOf(values) }] } })
  }
  return (
    <div className="stack">
      <Card size="small">
        <p className="muted">{say('whatIfHint')}</p>
        <Form<Fields> name="suppose" form={form} layout="vertical" initialValues={{ kind: 'repaid', date: dayjs(loan.processed_to), strategy: 'reduce_instalment', amount_minor: Math.floor(total(loan.payoff) / 2) }} onFinish={submit}>
          <div style={grid}>
            <Form.Item name="kind" label={say('kind')} rules={must}><Select options={kinds.map((value) => ({ value, label: say(value) }))} /></Form.Item>
            <Form.Item name="date" label={say('valueDate')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
            <Form.Item shouldUpdate noStyle>{() => (form.getFieldValue('kind') === 'repaid' ? (
              <>
                <Form.Item name="amount_minor" label={say('amount')} rules={must}><MoneyInput /></Form.Item>
                <Form.Item name="strategy" label={say('strategy')} rules={must}><Select options={strategies.map((value) => ({ value, label: say(value) }))} /></Form.Item>
              </>
            ) : <ChangeParts kind={form.getFieldValue('kind') as string} loan={loan} />)}</Form.Item>
          </div>
          <Button type="primary" htmlType="submit" loading={busy} data-testid="what-if">{say('run')}</Button>
        </Form>
      </Card>
      {answer ? <Comparison answer={answer} currency={loan.currency} /> : <Card size="small"><Empty description={say('empty')} /></Card>}
    </div>
  )
}

function Comparison({ answer, currency }: { answer: Answer; currency: string }) {
  const say = useWords(servicingWords)
  const saved = answer.interest_saved_minor
  const byDate = new Map<string, Pair>()
  for (const row of answer.rows_before ?? []) byDate.set(row.due_date, { key: row.due_date, before: row })
  for (const row of answer.rows ?? []) byDate.set(row.due_date, { ...(byDate.get(row.due_date) ?? { key: row.due_date }), after: row })
  const pairs = [...byDate.values()].filter((pair) => pair.key > answer.on || (pair.before ?? pair.after)?.billed === false).sort((a, b) => (a.key < b.key ? -1 : 1))
  const cell = (minor: number | undefined) => (minor === undefined ? <span className="muted">–</span> : <Money minor={minor} currency={currency} />)
  return (
    <>
      <div className="tiles" data-testid="what-if-answer">
        <Card size="small"><Statistic title={saved >= 0 ? say('saved') : say('costs')} value={money(Math.abs(saved), currency)} /></Card>
        <Card size="small"><Statistic title={`${say('nextDue')} · ${money(answer.before.next_due_minor, currency)} →`} value={money(answer.after.next_due_minor, currency)} /></Card>
        <Card size="small"><Statistic title={`${say('instalments')} · ${answer.before.instalments_ahead} →`} value={answer.after.instalments_ahead} /></Card>
        <Card size="small"><Statistic title={`${say('ends')} · ${answer.ended_on ?? '–'} →`} value={answer.ends_on ?? '–'} /></Card>
        <Card size="small"><Statistic title={`${say('payoff')} · ${money(answer.before.payoff_minor, currency)} →`} value={money(answer.after.payoff_minor, currency)} /></Card>
      </div>
      <Table<Pair> size="small" rowKey="key" dataSource={pairs} pagination={pairs.length > 36 ? { pageSize: 36, showSizeChanger: false } : false} scroll={{ x: 'max-content' }} columns={[
        { title: say('dueDate'), render: (_, pair) => <DateText date={pair.key} /> },
        { title: `${say('before')} · ${say('principal')}`, align: 'right', render: (_, pair) => cell(pair.before?.principal_minor) },
        { title: `${say('before')} · ${say('interest')}`, align: 'right', render: (_, pair) => cell(pair.before?.interest_minor) },
        { title: `${say('after')} · ${say('principal')}`, align: 'right', render: (_, pair) => cell(pair.after?.principal_minor) },
        { title: `${say('after')} · ${say('interest')}`, align: 'right', render: (_, pair) => cell(pair.after?.interest_minor) },
        { title: say('difference'), align: 'right', render: (_, pair) => <b>{cell((pair.after?.total_minor ?? 0) - (pair.before?.total_minor ?? 0))}</b> },
      ]} />
    </>
  )
}
