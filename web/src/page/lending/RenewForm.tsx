import { Alert, Form, Input, InputNumber, Radio, Select } from 'antd'
import { useRef } from 'react'
import { newKey } from '../../api/client'
import { useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { money } from '../../widget/format'
import { servicingWords } from './servicingWords'
import { methods, type Loan, type LoanDetail } from './types'
import { lendingWords } from './words'

const checks = ['lawful_operation', 'stable_operation', 'good_credit', 'lending_standard', 'bank_terms'] as const
type Fields = { tenor_months: number; method: string } & Record<(typeof checks)[number], string> & Record<`${(typeof checks)[number]}_met`, boolean>

/** 无还本续贷: a new loan repays the old one; each of the five conditions is answered with what it rests on. */
export function RenewForm({ loan, onClose }: { loan: LoanDetail; onClose: () => void }) {
  const say = useWords(servicingWords)
  const names = useWords(lendingWords)
  const go = useGo()
  const reference = useRef(newKey())
  const must = [{ required: true, message: say('required') }]
  return (
    <FormModal<Fields, Loan> title={say('renewTitle')} width={640} onClose={onClose} stale={['/loans', '/facilities', '/firms']} done={say('renewed')} onDone={(made) => go(`/loans/${made.id}`)} initial={{ tenor_months: loan.terms.tenor_months, method: loan.terms.method }} act={(values) => ({ path: `/loans/${loan.id}/renewal`, body: { origin: 'renewal', tenor_months: values.tenor_months, method: values.method, client_reference: reference.current, checks: checks.map((name) => ({ name, passed: values[`${name}_met`], evidence: values[name] })) } })}>
      <Alert type="info" showIcon title={say('renewHint')} style={{ marginBottom: 16 }} />
      <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 200px), 1fr))' }}>
        <Form.Item name="tenor_months" label={say('months')} rules={must}><InputNumber min={1} max={360} precision={0} style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="method" label={say('method')} rules={must}><Select options={methods.map((value) => ({ value, label: names(value) }))} /></Form.Item>
      </div>
      {checks.map((name) => (
        <div key={name}>
          <Form.Item name={`${name}_met`} label={say(name)} rules={must} style={{ marginBottom: 4 }}><Radio.Group options={[{ value: true, label: say('met') }, { value: false, label: say('unmet') }]} /></Form.Item>
          <Form.Item name={name} rules={must}><Input maxLength={300} placeholder={say('evidence')} aria-label={`${say(name)} ${say('evidence')}`} /></Form.Item>
        </div>
      ))}
    </FormModal>
  )
}

/** A further part of a loan that is paid out in several. */
export function TrancheForm({ loan, planned, onClose }: { loan: LoanDetail; planned?: { date: string; amount_minor: number } | undefined; onClose: () => void }) {
  const say = useWords(servicingWords)
  const reference = useRef(newKey())
  const left = loan.principal_minor - loan.totals.disbursed_minor
  return (
    <FormModal<{ amount_minor: number }> title={say('tranche')} onClose={onClose} stale={['/loans', '/facilities']} done={say('tranchePaid')} initial={{ amount_minor: planned?.amount_minor ?? left }} act={(values) => ({ path: `/loans/${loan.id}/disbursements`, body: { ...values, reference: reference.current } })}>
      <p className="muted num">{say('trancheLeft', { amount: money(left, loan.currency) })}</p>
      <Form.Item name="amount_minor" label={say('amount')} rules={[{ required: true, message: say('required') }]}><MoneyInput currency={loan.currency} autoFocus /></Form.Item>
    </FormModal>
  )
}
