import MinusCircleOutlined from '@ant-design/icons/MinusCircleOutlined'
import { Button, Form, Input, Select, Switch } from 'antd'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import type { Loan } from '../lending/types'
import type { ReceiptDetail, Share } from './types'
import { receiptWords } from './words'

type Values = { parts: { loan_id?: string; amount_minor?: number; prepay?: boolean }[]; note?: string }

/** Spreads open money over loans. It starts with what the rules suggest. */
export function AssignForm({ receipt, onClose, stale }: { receipt: ReceiptDetail; onClose: () => void; stale: string[] }) {
  const say = useWords(receiptWords)
  const active = useGet<{ items: Loan[] | null }>('/loans', { status: 'active', limit: 200 })
  const overdue = useGet<{ items: Loan[] | null }>('/loans', { status: 'overdue', limit: 200 })
  const loans = [...(overdue.data?.items ?? []), ...(active.data?.items ?? [])].filter((loan) => loan.currency === receipt.currency)
  const options = loans.map((loan) => ({ value: loan.id, label: `${loan.payee_name} · ${loan.reference || loan.id} · ${say('due')} ${money(loan.due_minor, loan.currency)}` }))
  const suggested: Values['parts'] = receipt.plan.length > 0 ? receipt.plan.map(({ loan_id, amount_minor, prepay }) => ({ loan_id, amount_minor, prepay: prepay ?? false })) : [{ amount_minor: receipt.open_minor }]
  const sum = (parts: Values['parts'] | undefined) => (parts ?? []).reduce((total, part) => total + (part?.amount_minor ?? 0), 0)
  return (
    <FormModal<Values> title={say('assign')} width={720} onClose={onClose} stale={stale} done={say('assignDone')} initial={{ parts: suggested }} act={(values) => ({ path: `/receipts/${receipt.id}/assign`, body: { parts: values.parts as Share[], ...(values.note ? { note: values.note } : {}) } })}>
      {(form) => (
        <>
          <p className="muted">{say('assignHint')}</p>
          <Form.List name="parts" rules={[{ validator: async (_, parts: Values['parts']) => { if (sum(parts) > receipt.open_minor) throw new Error(say('tooMuch')) } }]}>
            {(fields, { add, remove }, { errors }) => (
              <>
                {fields.map((field) => (
                  <div key={field.key} className="row" style={{ alignItems: 'flex-start' }}>
                    <Form.Item name={[field.name, 'loan_id']} rules={[{ required: true, message: say('required') }]} style={{ flex: '1 1 300px', minWidth: 0 }}>
                      <Select showSearch={{ optionFilterProp: 'label' }} options={options} placeholder={say('loanHint')} aria-label={say('loan')} loading={active.isLoading || overdue.isLoading} onChange={(id: string) => {
                        const due = loans.find((loan) => loan.id === id)?.due_minor ?? 0
                        const others = sum((form.getFieldValue('parts') as Values['parts']).filter((_, at) => at !== field.name))
                        if (due > 0) form.setFieldValue(['parts', field.name, 'amount_minor'], Math.min(due, receipt.open_minor - others))
                      }} />
                    </Form.Item>
                    <Form.Item name={[field.name, 'amount_minor']} rules={[{ required: true, message: say('required') }]} style={{ width: 150 }}><MoneyInput currency={receipt.currency} /></Form.Item>
                    <Form.Item name={[field.name, 'prepay']} valuePropName="checked"><Switch checkedChildren={say('prepay')} unCheckedChildren={say('prepay')} /></Form.Item>
                    {fields.length > 1 ? <Button type="text" icon={<MinusCircleOutlined />} onClick={() => remove(field.name)} aria-label="-" /> : null}
                  </div>
                ))}
                <Form.ErrorList errors={errors} />
                <Button type="dashed" onClick={() => add({})} block>{say('addLoan')}</Button>
              </>
            )}
          </Form.List>
          <Form.Item shouldUpdate noStyle>{() => <p className="num muted">{say('left')} {money(receipt.open_minor - sum(form.getFieldValue('parts') as Values['parts']), receipt.currency)}</p>}</Form.Item>
          <Form.Item name="note" label={say('note')}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
        </>
      )}
    </FormModal>
  )
}
