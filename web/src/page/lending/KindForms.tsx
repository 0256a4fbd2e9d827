import { DatePicker, Form, Input } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useRef } from 'react'
import { newKey } from '../../api/client'
import { useWords } from '../../i18n/words'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { drawWords } from './drawWords'
import { depositHeld, type LoanDetail } from './types'

const stale = ['/loans', '/facilities', '/journal-entries', '/trial-balance']
const day = (date: Dayjs) => date.format('YYYY-MM-DD')

/** What was sold between two days: the instalment whose period holds the last of them follows it. */
export function SalesForm({ loan, onClose }: { loan: LoanDetail; onClose: () => void }) {
  const say = useWords(drawWords)
  const must = [{ required: true, message: say('required') }]
  // The period that nobody has reported yet comes first, then the running one.
  const rows = loan.schedule ?? []
  const unreported = rows.findIndex((row) => row.billed && row.sales?.missing && !row.sales.reports)
  const at = unreported >= 0 ? unreported : rows.findIndex((row) => !row.billed)
  const from = at > 0 ? rows[at - 1]!.due_date : loan.terms.start
  const to = unreported >= 0 ? dayjs(rows[unreported]!.due_date).subtract(1, 'day') : dayjs(loan.processed_to)
  const reference = useRef(newKey())
  return (
    <FormModal<{ from: Dayjs; to: Dayjs; amount_minor: number; source: string; reference: string }> title={say('reportSales')} onClose={onClose} stale={stale} done={say('reported')} initial={{ from: dayjs(from), to, reference: reference.current }} act={(values) => ({ path: `/loans/${loan.id}/sales`, body: { from: day(values.from), to: day(values.to), amount_minor: values.amount_minor, source: values.source, reference: values.reference } })}>
      <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: '1fr 1fr' }}>
        <Form.Item name="from" label={say('salesFrom')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="to" label={say('salesTo')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
      </div>
      <Form.Item name="amount_minor" label={say('amount')} rules={must}><MoneyInput autoFocus /></Form.Item>
      <Form.Item name="source" label={say('source')} extra={say('sourceHint')} rules={must}><Input maxLength={64} /></Form.Item>
      <Form.Item name="reference" label={say('reference')} rules={must}><Input maxLength={64} className="mono" /></Form.Item>
    </FormModal>
  )
}

/** A deposit that the lessee has paid in, or what was missing of it. */
export function DepositForm({ loan, onClose }: { loan: LoanDetail; onClose: () => void }) {
  const say = useWords(drawWords)
  const reference = useRef(newKey())
  const missing = (loan.terms.deposit?.amount_minor ?? 0) - depositHeld(loan.totals)
  return (
    <FormModal<{ amount_minor: number }> title={say('takeDeposit')} onClose={onClose} stale={stale} done={say('depositTaken')} initial={{ amount_minor: missing }} act={(values) => ({ path: `/loans/${loan.id}/deposit`, body: { amount_minor: values.amount_minor, reference: reference.current } })}>
      <Form.Item name="amount_minor" label={say('deposit')} rules={[{ required: true, message: say('required') }]}><MoneyInput autoFocus /></Form.Item>
    </FormModal>
  )
}
