import { Button, DatePicker, Form, Input, Space, Switch } from 'antd'
import type { Dayjs } from 'dayjs'
import { useWords } from '../../i18n/words'
import { money, percent } from '../../widget/format'
import { MoneyInput, RateInput } from '../../widget/inputs'
import type { Conditions } from './contractTypes'
import { drawWords } from './drawWords'

export type Stage = { date?: Dayjs; amount_minor?: number }
export type DrawExtras = {
  sales?: { share?: string; expected_minor?: number }
  lease?: { in_advance?: boolean; residual_minor?: number; deposit_minor?: number; deposit_paid_in?: boolean }
  tranches?: Stage[]
  first_due?: Dayjs
  purpose?: string
  repay_account?: string
}
type Parts = DrawExtras & { method?: string; amount_minor?: number }

const day = (date: Dayjs | undefined) => date?.format('YYYY-MM-DD')

/** What the server is told beside amount, tenor and payee: only what the kind of contract has. */
export function extrasOf(values: Parts, conditions: Conditions): Record<string, unknown> {
  const stages = (values.tranches ?? []).filter((one) => one?.date && one.amount_minor).map((one) => ({ date: day(one.date), amount_minor: one.amount_minor }))
  return {
    ...(values.method === 'sales_share' ? { sales: { expected_minor: values.sales?.expected_minor ?? 0, ...(values.sales?.share ? { share: values.sales.share } : {}) } } : {}),
    ...(conditions.kind === 'lease' ? { lease: { in_advance: values.lease?.in_advance ?? false, residual_minor: values.lease?.residual_minor ?? 0, deposit_minor: values.lease?.deposit_minor ?? 0, deposit_paid_in: values.lease?.deposit_paid_in ?? false } } : {}),
    ...(conditions.kind === 'lease' && values.purpose && values.repay_account ? { entrusted: true, purpose: values.purpose, repay_account: values.repay_account } : {}),
    ...(values.method === 'discount' && values.first_due ? { plan: { first_due: day(values.first_due) } } : {}),
    ...(stages.length > 0 ? { tranches: stages } : {}),
  }
}

/** Part of an amount by a decimal rate, for a hint only: the server checks to the fen. */
const partOf = (minor: number | undefined, rate: string | undefined) => money(Math.floor((minor ?? 0) * Number(rate ?? 0)))

/** The fields that a kind of contract needs beside amount, tenor and payee. */
export function DrawParts({ values, conditions }: { values: Parts; conditions: Conditions }) {
  const say = useWords(drawWords)
  const must = [{ required: true, message: say('required') }]
  const { lease, sales, tranches } = conditions
  return (
    <>
      <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 200px), 1fr))' }}>
        {values.method === 'sales_share' && sales ? (
          <>
            <Form.Item name={['sales', 'share']} label={say('salesShare')} extra={say('bounds', { from: percent(sales.share_min), to: percent(sales.share_max) })} rules={must}><RateInput /></Form.Item>
            <Form.Item name={['sales', 'expected_minor']} label={say('expected')} extra={say('expectedHint')} rules={must}><MoneyInput /></Form.Item>
          </>
        ) : null}
        {values.method === 'discount' ? <Form.Item name="first_due" label={say('dueOn')}><DatePicker style={{ width: '100%' }} /></Form.Item> : null}
        {conditions.kind === 'lease' && lease ? (
          <>
            <Form.Item name={['lease', 'deposit_minor']} label={say('deposit')} extra={say('bounds', { from: partOf(values.amount_minor, lease.deposit_min), to: partOf(values.amount_minor, lease.deposit_max) })}><MoneyInput /></Form.Item>
            <Form.Item name={['lease', 'residual_minor']} label={say('residual')} extra={say('upTo', { to: partOf(values.amount_minor, lease.residual_max) })}><MoneyInput /></Form.Item>
            <Form.Item name="purpose" label={say('what')}><Input maxLength={200} /></Form.Item>
            <Form.Item name="repay_account" label={say('lesseeAccount')}><Input maxLength={64} inputMode="numeric" className="num" /></Form.Item>
            <Form.Item name={['lease', 'in_advance']} label={say('inAdvance')} valuePropName="checked"><Switch /></Form.Item>
            <Form.Item name={['lease', 'deposit_paid_in']} label={say('depositPaidIn')} valuePropName="checked"><Switch /></Form.Item>
          </>
        ) : null}
      </div>
      {tranches && (tranches.max ?? 0) > 1 ? (
        <Form.Item label={say('stages')} extra={say('stagesHint', { n: tranches.max, m: tranches.months_max })}>
          <Form.List name="tranches">
            {(fields, { add, remove }) => (
              <Space orientation="vertical" style={{ width: '100%' }}>
                {fields.map((field) => (
                  <Space key={field.key} align="baseline">
                    <Form.Item name={[field.name, 'date']} noStyle rules={must}><DatePicker /></Form.Item>
                    <Form.Item name={[field.name, 'amount_minor']} noStyle rules={must}><MoneyInput /></Form.Item>
                    <Button size="small" onClick={() => remove(field.name)}>{say('remove')}</Button>
                  </Space>
                ))}
                {fields.length + 1 < tranches.max ? <Button size="small" onClick={() => add()}>{say('addStage')}</Button> : null}
              </Space>
            )}
          </Form.List>
        </Form.Item>
      ) : null}
    </>
  )
}
