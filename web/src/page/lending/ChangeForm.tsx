import { Alert, DatePicker, Form, Input, InputNumber, Select, Switch } from 'antd'
import type { Dayjs } from 'dayjs'
import { useRef } from 'react'
import { newKey } from '../../api/client'
import { useWords } from '../../i18n/words'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput, RateInput } from '../../widget/inputs'
import { methods, type LoanDetail } from './types'
import { servicingWords } from './servicingWords'
import { lendingWords } from './words'

export const changeKinds = ['fee_charged', 'waived', 'rate_changed', 'due_moved', 'extended', 'restructured', 'reversed', 'refunded', 'accelerated', 'misused', 'charged_off', 'written_off', 'transferred', 'deposit_applied', 'deposit_returned'] as const
export const components = ['penalty', 'compound', 'interest', 'fee', 'principal'] as const

export type ChangeFields = { kind: string; amount_minor?: number; value_date?: Dayjs | null; rate?: string; component?: string; from?: string; to?: Dayjs; shift?: boolean; grace_principal?: number; count?: number; every?: number; method?: string; capitalise?: boolean; of?: number; holder?: string; reason: string }

const withAmount = ['fee_charged', 'waived', 'refunded', 'transferred', 'deposit_applied', 'deposit_returned']
const day = (date: Dayjs | null | undefined) => date?.format('YYYY-MM-DD')

/** What the server is told, from the fields that belong to the kind. */
export function detailOf(values: Partial<ChangeFields>): Record<string, unknown> {
  const some = (names: (keyof ChangeFields)[]) => Object.fromEntries(names.filter((name) => values[name] !== undefined && values[name] !== null && values[name] !== '').map((name) => [name, name === 'to' ? day(values.to) : values[name]]))
  switch (values.kind) {
    case 'waived': return some(['component'])
    case 'rate_changed': return some(['rate'])
    case 'due_moved': return some(['from', 'to', 'shift', 'grace_principal'])
    case 'extended': return some(['count', 'every', 'rate'])
    case 'restructured': return some(['count', 'every', 'rate', 'method', 'capitalise', 'grace_principal'])
    case 'reversed': return some(['of'])
    case 'transferred': return some(['holder'])
    default: return {}
  }
}

/** The fields of one kind of change; the what-if page uses them too. */
export function ChangeParts({ kind, loan }: { kind: string | undefined; loan: LoanDetail }) {
  const say = useWords(servicingWords)
  const names = useWords(lendingWords)
  const must = [{ required: true, message: say('required') }]
  const count = (name: keyof ChangeFields, label: string, min: number, max: number, rules = must) => <Form.Item name={name} label={label} rules={rules}><InputNumber min={min} max={max} precision={0} style={{ width: '100%' }} /></Form.Item>
  const ahead = (loan.schedule ?? []).filter((row) => !row.billed)
  return (
    <>
      {kind && withAmount.includes(kind) ? <Form.Item name="amount_minor" label={kind === 'transferred' ? say('price') : say('amount')} rules={must}><MoneyInput currency={loan.currency} /></Form.Item> : null}
      {kind === 'waived' ? <Form.Item name="component" label={say('component')} rules={must}><Select options={components.map((value) => ({ value, label: say(value) }))} /></Form.Item> : null}
      {kind === 'due_moved' ? (
        <>
          <Form.Item name="from" label={say('from')} rules={must}><Select options={ahead.map((row) => ({ value: row.due_date, label: row.due_date }))} /></Form.Item>
          <Form.Item name="to" label={say('to')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="shift" label={say('shift')} valuePropName="checked"><Switch /></Form.Item>
        </>
      ) : null}
      {kind === 'extended' || kind === 'restructured' ? <>{count('count', kind === 'extended' ? say('count') : say('newCount'), 1, 360)}{count('every', say('every'), 1, 120, [])}</> : null}
      {kind === 'restructured' ? (
        <>
          <Form.Item name="method" label={say('method')}><Select allowClear options={methods.map((value) => ({ value, label: names(value) }))} /></Form.Item>
          <Form.Item name="capitalise" label={say('capitalise')} valuePropName="checked"><Switch /></Form.Item>
        </>
      ) : null}
      {kind === 'restructured' || kind === 'due_moved' ? count('grace_principal', say('gracePrincipal'), 0, 60, []) : null}
      {kind === 'rate_changed' || kind === 'extended' || kind === 'restructured' ? <Form.Item name="rate" label={say('rate')} rules={kind === 'rate_changed' ? must : []}><RateInput /></Form.Item> : null}
      {kind === 'reversed' ? count('of', say('of'), 1, 1_000_000) : null}
      {kind === 'transferred' ? <Form.Item name="holder" label={say('holder')} rules={must}><Input maxLength={64} /></Form.Item> : null}
    </>
  )
}

/** Asking a second person for a change of the loan. */
export function ChangeForm({ loan, initial, onClose }: { loan: LoanDetail; initial?: Partial<ChangeFields>; onClose: () => void }) {
  const say = useWords(servicingWords)
  const reference = useRef(newKey())
  const must = [{ required: true, message: say('required') }]
  return (
    <FormModal<ChangeFields>
      title={say('change')}
      width={560}
      onClose={onClose}
      stale={['/proposals', '/loans']}
      done={say('proposed')}
      initial={{ kind: 'waived', ...initial }}
      act={(values) => ({ path: `/loans/${loan.id}/changes`, body: { kind: values.kind, ...(values.amount_minor !== undefined && withAmount.includes(values.kind) ? { amount_minor: values.amount_minor } : {}), ...(values.value_date ? { value_date: day(values.value_date) } : {}), detail: detailOf(values), reason: values.reason, reference: reference.current } })}
    >
      {(form) => (
        <>
          <Alert type="info" showIcon title={say('changeHint')} style={{ marginBottom: 16 }} />
          <Form.Item name="kind" label={say('kind')} rules={must}><Select showSearch={{ optionFilterProp: 'label' }} options={changeKinds.map((value) => ({ value, label: say(value) }))} /></Form.Item>
          <Form.Item shouldUpdate noStyle>{() => <ChangeParts kind={form.getFieldValue('kind') as string} loan={loan} />}</Form.Item>
          <Form.Item name="value_date" label={say('valueDate')}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="reason" label={say('reason')} rules={must}><Input.TextArea rows={2} maxLength={500} placeholder={say('reasonHint')} /></Form.Item>
        </>
      )}
    </FormModal>
  )
}
