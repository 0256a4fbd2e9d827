import { Alert, Form, Input, InputNumber, Select, Table } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { call, newKey } from '../../api/client'
import { asProblem, type Problem } from '../../api/problem'
import { useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { Money } from '../../widget/values'
import { methods, type Facility, type Instalment, type Loan } from './types'
import { lendingWords } from './words'

type Fields = { amount_minor: number; tenor_months: number; method: string; payee_name: string; payee_account: string }
type Preview = { schedule: Instalment[] | null; cost: { principal_minor: number; interest_minor: number; total_minor: number } }

/** The schedule of what is being typed, so that nobody signs for a surprise. */
function SchedulePreview({ facility, fields }: { facility: Facility; fields: Partial<Fields> }) {
  const say = useWords(lendingWords)
  const [preview, setPreview] = useState<Preview>()
  const [problem, setProblem] = useState<Problem>()
  const { amount_minor, tenor_months, method } = fields
  useEffect(() => {
    if (!amount_minor || !tenor_months || !method) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call<Preview>('POST', `/facilities/${facility.id}/drawdowns/preview`, { body: { amount_minor, tenor_months, method }, signal: stop.signal })
        .then((answer) => { setPreview(answer.data); setProblem(undefined) })
        .catch((error: unknown) => { if (!stop.signal.aborted) { setProblem(asProblem(error)); setPreview(undefined) } })
    }, 400)
    return () => { clearTimeout(timer); stop.abort() }
  }, [facility.id, amount_minor, tenor_months, method])
  if (problem) return <Alert type="warning" title={problem.message} description={problem.remedy} />
  if (!preview) return null
  return (
    <Table<Instalment> size="small" rowKey="no" pagination={false} dataSource={preview.schedule ?? []} scroll={{ y: 220, x: 'max-content' }} title={() => <span>{say('schedule')} · {say('interest')} <Money minor={preview.cost.interest_minor} currency={facility.currency} /> · {say('total')} <Money minor={preview.cost.total_minor} currency={facility.currency} /></span>} columns={[
      { title: say('no'), dataIndex: 'no' },
      { title: say('dueDate'), dataIndex: 'due_date', className: 'num' },
      { title: say('principal'), align: 'right', render: (_, row) => <Money minor={row.principal_minor} currency={facility.currency} /> },
      { title: say('interest'), align: 'right', render: (_, row) => <Money minor={row.interest_minor} currency={facility.currency} /> },
      { title: say('total'), align: 'right', render: (_, row) => <Money minor={row.total_minor} currency={facility.currency} /> },
    ]} />
  )
}

/** Drawing money. The reference is made when the form opens: however often it is sent, it pays once. */
export function DrawForm({ facility, payee, onClose }: { facility: Facility; payee?: string; onClose: () => void }) {
  const say = useWords(lendingWords)
  const go = useGo()
  const reference = useRef(newKey())
  const must = { required: true, message: say('required') }
  return (
    <FormModal<Fields, Loan>
      title={say('drawTitle')}
      width={640}
      okText={say('draw')}
      onClose={onClose}
      stale={['/facilities', '/loans', '/firms', '/applications']}
      done={say('drawn')}
      onDone={(loan) => go(`/loans/${loan.id}`)}
      initial={{ amount_minor: facility.available_minor, tenor_months: 12, method: 'interest_only', ...(payee ? { payee_name: payee } : {}) }}
      act={(values) => ({ path: `/facilities/${facility.id}/drawdowns`, body: { ...values, currency: facility.currency, client_reference: reference.current } })}
    >
      {(form) => (
        <>
          <p className="muted">{say('availableNow', { amount: money(facility.available_minor, facility.currency) })} · {say('drawHint')}</p>
          <Form.Item name="amount_minor" label={say('drawAmount')} rules={[must, { validator: (_, value: number | undefined) => (value !== undefined && value > facility.available_minor ? Promise.reject(new Error(say('tooMuch'))) : Promise.resolve()) }]}><MoneyInput currency={facility.currency} autoFocus /></Form.Item>
          <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 200px), 1fr))' }}>
            <Form.Item name="tenor_months" label={say('tenor')} rules={[must]}><InputNumber min={1} max={360} style={{ width: '100%' }} /></Form.Item>
            <Form.Item name="method" label={say('method')} rules={[must]}><Select options={methods.map((value) => ({ value, label: say(value) }))} /></Form.Item>
            <Form.Item name="payee_name" label={say('payeeName')} rules={[must]}><Input maxLength={64} /></Form.Item>
            <Form.Item name="payee_account" label={say('payeeAccount')} rules={[must]}><Input maxLength={64} inputMode="numeric" className="num" /></Form.Item>
          </div>
          <Form.Item shouldUpdate noStyle>{() => <SchedulePreview facility={facility} fields={form.getFieldsValue(true) as Partial<Fields>} />}</Form.Item>
        </>
      )}
    </FormModal>
  )
}
