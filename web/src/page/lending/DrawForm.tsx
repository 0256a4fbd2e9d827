import { Alert, Form, Input, InputNumber, Select, Table } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { call, newKey } from '../../api/client'
import { useGet } from '../../api/hooks'
import { asProblem, type Problem } from '../../api/problem'
import { useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { money, percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { Money } from '../../widget/values'
import type { Conditions, Contract } from './contractTypes'
import { DrawParts, extrasOf, type DrawExtras } from './DrawParts'
import { drawWords } from './drawWords'
import { methods, type Facility, type Instalment, type Loan } from './types'
import { lendingWords } from './words'

type Fields = DrawExtras & { amount_minor: number; tenor_months: number; method: string; payee_name: string; payee_account: string }
type Preview = { schedule: Instalment[] | null; cost: { principal_minor: number; interest_minor: number; total_minor: number }; yearly_simple: string; yearly_compound: string; withheld_minor: number; deposit_minor: number; proceeds_minor: number }

/** The schedule of what is being typed, so that nobody signs for a surprise. */
function SchedulePreview({ facility, fields, conditions }: { facility: Facility; fields: Partial<Fields>; conditions: Conditions }) {
  const say = useWords(lendingWords)
  const draw = useWords(drawWords)
  const [preview, setPreview] = useState<Preview>()
  const [problem, setProblem] = useState<Problem>()
  const { amount_minor, tenor_months, method } = fields
  const extras = JSON.stringify(extrasOf(fields, conditions))
  const incomplete = method === 'sales_share' && !fields.sales?.expected_minor
  useEffect(() => {
    if (!amount_minor || !tenor_months || !method || incomplete) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call<Preview>('POST', `/facilities/${facility.id}/drawdowns/preview`, { body: { amount_minor, tenor_months, method, ...(JSON.parse(extras) as object) }, signal: stop.signal })
        .then((answer) => { setPreview(answer.data); setProblem(undefined) })
        .catch((error: unknown) => { if (!stop.signal.aborted) { setProblem(asProblem(error)); setPreview(undefined) } })
    }, 400)
    return () => { clearTimeout(timer); stop.abort() }
  }, [facility.id, amount_minor, tenor_months, method, extras, incomplete])
  if (problem) return <Alert type="warning" title={problem.message} description={problem.remedy} />
  if (!preview) return null
  return (
    <Table<Instalment> size="small" rowKey="no" pagination={false} dataSource={preview.schedule ?? []} scroll={{ y: 220, x: 'max-content' }} title={() => <span>{say('schedule')} · {say('interest')} <Money minor={preview.cost.interest_minor} currency={facility.currency} /> · {say('total')} <Money minor={preview.cost.total_minor} currency={facility.currency} /> · {draw('yearly')} <span className="num">{percent(preview.yearly_simple)} / {percent(preview.yearly_compound)}</span>{preview.proceeds_minor !== preview.cost.principal_minor ? <> · {draw('proceeds')} <b><Money minor={preview.proceeds_minor} currency={facility.currency} /></b></> : null}{preview.withheld_minor ? <> · {draw('withheld')} <Money minor={preview.withheld_minor} currency={facility.currency} /></> : null}</span>} columns={[
      { title: say('no'), dataIndex: 'no' },
      { title: say('dueDate'), dataIndex: 'due_date', className: 'num' },
      { title: say('principal'), align: 'right', render: (_, row) => <Money minor={row.principal_minor} currency={facility.currency} /> },
      { title: say('interest'), align: 'right', render: (_, row) => <Money minor={row.interest_minor} currency={facility.currency} /> },
      { title: say('total'), align: 'right', render: (_, row) => <Money minor={row.total_minor} currency={facility.currency} /> },
    ]} />
  )
}

/** Drawing money under a contract: the form asks what its kind needs. */
export function DrawForm(props: { facility: Facility; payee?: string; onClose: () => void }) {
  const contract = useGet<Contract>(props.facility.contract_id ? `/contracts/${props.facility.contract_id}` : undefined)
  if (props.facility.contract_id && contract.isPending) return null
  return <Drawing {...props} {...(contract.data ? { contract: contract.data } : {})} />
}

/** The reference is made when the form opens: however often it is sent, it pays once. */
function Drawing({ facility, payee, contract, onClose }: { facility: Facility; payee?: string; contract?: Contract; onClose: () => void }) {
  const say = useWords(lendingWords)
  const go = useGo()
  const reference = useRef(newKey())
  const must = { required: true, message: say('required') }
  const terms = contract?.terms
  const conditions: Conditions = terms?.conditions ?? { methods: [...methods], tenor_months_min: 1, tenor_months_max: 360 }
  const extras = terms?.extras
  // A tenor or method that the contract names is what most drawdowns want; amounts follow the limit that was signed.
  const initial: Partial<Fields> = {
    amount_minor: facility.available_minor, tenor_months: terms?.tenor_months ?? 12, method: terms?.method ?? 'interest_only', ...(payee && conditions.kind !== 'lease' ? { payee_name: payee } : {}),
    ...(extras?.sales_expected_minor ? { sales: { expected_minor: extras.sales_expected_minor, ...(extras.sales_share ? { share: extras.sales_share } : {}) } } : {}),
    ...(conditions.kind === 'lease' ? { lease: { deposit_minor: extras?.deposit_minor ?? 0, residual_minor: extras?.residual_minor ?? 0, in_advance: extras?.in_advance ?? false, deposit_paid_in: false } } : {}),
  }
  const named = (value: string) => (value in lendingWords ? say(value as keyof typeof lendingWords) : value)
  return (
    <FormModal<Fields, Loan>
      title={say('drawTitle')}
      width={680}
      okText={say('draw')}
      onClose={onClose}
      stale={['/facilities', '/loans', '/firms', '/applications']}
      done={say('drawn')}
      onDone={(loan) => go(`/loans/${loan.id}`)}
      initial={initial}
      act={(values) => ({ path: `/facilities/${facility.id}/drawdowns`, body: { amount_minor: values.amount_minor, currency: facility.currency, tenor_months: values.tenor_months, method: values.method, payee_name: values.payee_name, payee_account: values.payee_account, client_reference: reference.current, ...extrasOf(values, conditions) } })}
    >
      {(form) => (
        <>
          <p className="muted">{say('availableNow', { amount: money(facility.available_minor, facility.currency) })} · {say('drawHint')}</p>
          <Form.Item name="amount_minor" label={say('drawAmount')} rules={[must, { validator: (_, value: number | undefined) => (value !== undefined && value > facility.available_minor ? Promise.reject(new Error(say('tooMuch'))) : Promise.resolve()) }]}><MoneyInput currency={facility.currency} autoFocus /></Form.Item>
          <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 200px), 1fr))' }}>
            <Form.Item name="tenor_months" label={say('tenor')} rules={[must]}><InputNumber min={conditions.tenor_months_min} max={conditions.tenor_months_max} style={{ width: '100%' }} /></Form.Item>
            <Form.Item name="method" label={say('method')} rules={[must]}><Select options={(conditions.methods ?? []).map((value) => ({ value, label: named(value) }))} /></Form.Item>
            <Form.Item name="payee_name" label={say('payeeName')} rules={[must]}><Input maxLength={64} /></Form.Item>
            <Form.Item name="payee_account" label={say('payeeAccount')} rules={[must]}><Input maxLength={64} inputMode="numeric" className="num" /></Form.Item>
          </div>
          <Form.Item shouldUpdate noStyle>{() => <DrawParts values={form.getFieldsValue(true) as Partial<Fields>} conditions={conditions} />}</Form.Item>
          <Form.Item shouldUpdate noStyle>{() => <SchedulePreview facility={facility} fields={form.getFieldsValue(true) as Partial<Fields>} conditions={conditions} />}</Form.Item>
        </>
      )}
    </FormModal>
  )
}
