import { Alert, Button, Card, Collapse, DatePicker, Empty, Form, InputNumber, Select, Statistic, Switch, Table } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useBusinessDate } from '../../shell/session'
import { csvCell, money, share } from '../../widget/format'
import { MoneyInput, RateInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { save } from '../../widget/save'
import { Money } from '../../widget/values'
import { calculatorWords } from './calculatorWords'

type Line = { no: number; from: string; due_date: string; days: number; principal_minor: number; interest_minor: number; due_minor: number; balance_minor: number }
type Answer = { rows: Line[] | null; cost: { principal_minor: number; interest_minor: number; total_minor: number }; yearly_simple: string; yearly_compound: string }
type Fields = { amount_minor: number; rate: string; start: Dayjs; count: number; unit: string; every: number; method: string; day_count: string; whole_months: boolean; due_rule: string; grace_principal: number; grace_interest: number; grace_rule: string; balloon_minor?: number; fee_minor?: number; multiple_minor?: number; in_advance: boolean }

const methods = ['equal_instalment', 'equal_principal', 'interest_only', 'bullet', 'flat'] as const
const units = ['month', 'week', 'day', 'year', 'quarter_20', 'whole'] as const
const dayCounts = ['ACT/360', 'ACT/365', 'ACT/364', '30E/360', '30/360', '30/360 US', 'ACT/ACT ISDA', 'ACT/ACT 31DEC', 'ACT/ACT AFB']
const dueRules = ['unadjusted', 'following', 'preceding', 'modified_following'] as const
const graceRules = ['defer', 'capitalise', 'waive'] as const
const grid = { display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 190px), 1fr))' }

const initial: Partial<Fields> = { amount_minor: 100_000_00, rate: '0.06', count: 12, unit: 'month', every: 1, method: 'equal_instalment', day_count: 'ACT/360', whole_months: false, due_rule: 'unadjusted', grace_principal: 0, grace_interest: 0, grace_rule: 'defer', in_advance: false }

/** A plan on paper for any method: what falls due when, and what the money costs a year whatever the rate is called. */
export default function Calculator() {
  const say = useWords(calculatorWords)
  const today = useBusinessDate()
  const [asked, setAsked] = useState<Fields>()
  const [answer, setAnswer] = useState<Answer>()
  const run = useAction<Answer>({ onDone: setAnswer })
  const must = [{ required: true, message: say('required') }]
  const submit = (values: Fields) => {
    setAsked(values)
    void run.run({ path: '/schedules', body: { ...values, start: values.start.format('YYYY-MM-DD'), balloon_minor: values.balloon_minor ?? 0, fee_minor: values.fee_minor ?? 0, multiple_minor: values.multiple_minor ?? 0 } })
  }
  const number = (name: keyof Fields, label: string, min: number, max: number) => <Form.Item name={name} label={label} rules={must}><InputNumber min={min} max={max} precision={0} style={{ width: '100%' }} /></Form.Item>
  return (
    <div className="page">
      <PageHeader title={say('calculator')} hint={say('hint')} />
      <Card size="small">
        <Form<Fields> layout="vertical" initialValues={{ ...initial, start: dayjs(today || undefined) }} onFinish={submit}>
          <div style={grid}>
            <Form.Item name="amount_minor" label={say('amount')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="rate" label={say('rate')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="method" label={say('method')} rules={must}><Select options={methods.map((value) => ({ value, label: say(value) }))} /></Form.Item>
            {number('count', say('count'), 1, 600)}
            <Form.Item name="unit" label={say('unit')} rules={must}><Select options={units.map((value) => ({ value, label: say(value) }))} /></Form.Item>
            <Form.Item name="start" label={say('start')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
          </div>
          <Collapse ghost size="small" items={[{ key: 'more', label: say('more'), forceRender: true, children: (
            <div style={grid}>
              {number('every', say('every'), 1, 366)}
              <Form.Item name="day_count" label={say('dayCount')}><Select options={dayCounts.map((value) => ({ value, label: value }))} /></Form.Item>
              <Form.Item name="whole_months" label={say('wholeMonths')} valuePropName="checked"><Switch /></Form.Item>
              <Form.Item name="due_rule" label={say('dueRule')}><Select options={dueRules.map((value) => ({ value, label: say(value) }))} /></Form.Item>
              {number('grace_principal', say('gracePrincipal'), 0, 599)}
              {number('grace_interest', say('graceInterest'), 0, 599)}
              <Form.Item name="grace_rule" label={say('graceRule')}><Select options={graceRules.map((value) => ({ value, label: say(value) }))} /></Form.Item>
              <Form.Item name="balloon_minor" label={say('balloon')}><MoneyInput /></Form.Item>
              <Form.Item name="fee_minor" label={say('fee')}><MoneyInput /></Form.Item>
              <Form.Item name="multiple_minor" label={say('multiple')}><MoneyInput /></Form.Item>
              <Form.Item name="in_advance" label={say('inAdvance')} valuePropName="checked"><Switch /></Form.Item>
            </div>
          ) }]} />
          <Button type="primary" htmlType="submit" loading={run.busy} data-testid="calculate">{say('run')}</Button>
        </Form>
      </Card>
      {answer && asked ? <Plan answer={answer} stated={asked.rate} /> : <Card size="small"><Empty description={say('empty')} /></Card>}
    </div>
  )
}

function Plan({ answer, stated }: { answer: Answer; stated: string }) {
  const say = useWords(calculatorWords)
  const rows = answer.rows ?? []
  const download = () => {
    const head = [say('no'), say('dueDate'), say('days'), say('principal'), say('interestPart'), say('due'), say('balance')]
    const body = rows.map((row) => [String(row.no), row.due_date, String(row.days), ...[row.principal_minor, row.interest_minor, row.due_minor, row.balance_minor].map((minor) => money(minor, 'CNY', false).replaceAll(',', ''))])
    save(new Blob(['\uFEFF' + [head, ...body].map((line) => line.map(csvCell).join(',')).join('\r\n')], { type: 'text/csv' }), 'plan.csv')
  }
  const right = (title: string, of: (row: Line) => number) => ({ title, align: 'right' as const, render: (_: unknown, row: Line) => <Money minor={of(row)} /> })
  return (
    <>
      <div style={{ ...grid, gap: 16 }} data-testid="plan-cost">
        <Card size="small"><Statistic title={say('simple')} value={share(Number(answer.yearly_simple))} /></Card>
        <Card size="small"><Statistic title={say('compound')} value={share(Number(answer.yearly_compound))} /></Card>
        <Card size="small"><Statistic title={say('first')} value={money(rows[0]?.due_minor)} /></Card>
        <Card size="small"><Statistic title={say('interest')} value={money(answer.cost.interest_minor)} /></Card>
        <Card size="small"><Statistic title={say('total')} value={money(answer.cost.total_minor)} /></Card>
      </div>
      {Number(answer.yearly_simple) > Number(stated) + 0.005 ? <Alert type="warning" showIcon title={say('dearer')} /> : null}
      <Card size="small" title={say('plan')} extra={<Button size="small" onClick={download}>{say('save')}</Button>}>
        <Table<Line> size="small" rowKey="no" dataSource={rows} pagination={rows.length > 36 ? { pageSize: 36, showSizeChanger: false } : false} scroll={{ x: 'max-content' }} columns={[
          { title: say('no'), dataIndex: 'no' },
          { title: say('dueDate'), dataIndex: 'due_date', className: 'num' },
          { title: say('days'), dataIndex: 'days', align: 'right', className: 'num' },
          right(say('principal'), (row) => row.principal_minor), right(say('interestPart'), (row) => row.interest_minor), right(say('due'), (row) => row.due_minor), right(say('balance'), (row) => row.balance_minor),
        ]} />
      </Card>
    </>
  )
}
