import { Form, Input, InputNumber, Select } from 'antd'
import { useEffect, useState } from 'react'
import { useGet, type Page } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { useText } from '../../widget/values'
import type { Application } from './applicationTypes'
import { applicationWords } from './applicationWords'
import { useMethod } from './Products'
import type { ProductDetail, ProductSummary } from './productTypes'

type Fields = { firm_id: string; product_id: string; amount_minor: number; tenor_months: number; method: string; purpose: string; purpose_note?: string; other_debt_minor?: number }

/** Finds a firm by name as one types; the list is the server's, never the whole book. */
export function FirmSelect({ value, onChange, id }: { value?: string; onChange?: (value: string) => void; id?: string }) {
  const say = useWords(applicationWords)
  const [text, setText] = useState('')
  const [asked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 250)
    return () => clearTimeout(timer)
  }, [text])
  const firms = useGet<Page<{ id: string; name: string; code: string }>>('/firms', { q: asked, limit: 20 })
  const chosen = useGet<{ id: string; name: string; code: string }>(value ? `/firms/${value}` : undefined)
  const items = [...(firms.data?.items ?? [])]
  if (chosen.data && !items.some((one) => one.id === chosen.data!.id)) items.unshift(chosen.data)
  return <Select showSearch={{ filterOption: false, onSearch: setText }} placeholder={say('choose')} loading={firms.isFetching} value={value ?? null} onChange={(next: string | null) => next && onChange?.(next)} options={items.map((firm) => ({ value: firm.id, label: `${firm.name}（${firm.code}）` }))} {...(id ? { id } : {})} />
}

function ProductFields({ productId, currency }: { productId: string | undefined; currency: string | undefined }) {
  const say = useWords(applicationWords)
  const text = useText()
  const method = useMethod()
  const detail = useGet<ProductDetail>(productId ? `/products/${productId}` : undefined)
  const terms = detail.data?.recipe.terms
  const must = [{ required: true, message: say('required') }]
  const form = Form.useFormInstance<Fields>()
  useEffect(() => { // another product: what it does not offer gives way to what it does
    if (!terms) return
    const { method: chosen, purpose, tenor_months } = form.getFieldsValue(true) as Partial<Fields>
    if (!terms.methods?.includes(chosen ?? '')) form.setFieldValue('method', terms.methods?.[0])
    if (purpose && !terms.purposes?.some((one) => one.id === purpose)) form.setFieldValue('purpose', undefined)
    if (tenor_months) form.setFieldValue('tenor_months', Math.min(Math.max(tenor_months, terms.tenor_months_min), terms.tenor_months_max))
  }, [form, terms])
  return (
    <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 220px), 1fr))' }}>
      <Form.Item name="amount_minor" label={say('amount')} rules={must}><MoneyInput currency={currency} /></Form.Item>
      <Form.Item name="tenor_months" label={say('tenor')} rules={must}><InputNumber min={terms?.tenor_months_min ?? 1} max={terms?.tenor_months_max ?? 360} style={{ width: '100%' }} /></Form.Item>
      <Form.Item name="method" label={say('method')} rules={must}><Select options={(terms?.methods ?? []).map((value) => ({ value, label: method(value) }))} /></Form.Item>
      <Form.Item name="purpose" label={say('purpose')} rules={must}><Select options={(terms?.purposes ?? []).map((one) => ({ value: one.id, label: text(one.name) }))} /></Form.Item>
      <Form.Item name="other_debt_minor" label={say('otherDebt')}><MoneyInput currency={currency} /></Form.Item>
      <Form.Item name="purpose_note" label={say('purposeNote')}><Input maxLength={2000} /></Form.Item>
    </div>
  )
}

type Props = { firmId?: string; onClose: () => void; /** Pre-check: asks the engine without an application. */ check?: boolean }

/** Starts an application, or asks what a firm could get without one. */
export function ApplicationForm({ firmId, onClose, check }: Props) {
  const say = useWords(applicationWords)
  const text = useText()
  const go = useGo()
  const products = useGet<{ items: ProductSummary[] | null }>('/products')
  const live = (products.data?.items ?? []).filter((product) => product.status === 'live' || product.status === 'pilot')
  const must = [{ required: true, message: say('required') }]
  const currencyOf = (id: string | undefined) => live.find((one) => one.id === id)?.currency
  if (!products.data) return null
  return (
    <FormModal<Fields, Application>
      title={check ? say('precheck') : say('add')}
      width={640}
      onClose={onClose}
      stale={['/applications', '/decisions', '/firms']}
      {...(check ? {} : { done: say('createdDone') })}
      onDone={(made) => go(check ? `/decisions/${made.id}` : `/applications/${made.id}`)}
      initial={{ ...(firmId ? { firm_id: firmId } : {}), ...(live[0] ? { product_id: live[0].id, method: live[0].methods?.[0] ?? '' } : {}), amount_minor: 500_000_00, tenor_months: 12 }}
      act={({ purpose_note, ...values }) => ({ path: check ? '/decisions' : '/applications', body: { ...values, currency: currencyOf(values.product_id) ?? 'CNY', ...(purpose_note && !check ? { purpose_note } : {}) } })}
    >
      {(form) => (
        <>
          <Form.Item name="firm_id" label={say('firm')} rules={must}><FirmSelect /></Form.Item>
          <Form.Item name="product_id" label={say('product')} rules={must}><Select options={live.map((product) => ({ value: product.id, label: text(product.name) }))} /></Form.Item>
          <Form.Item shouldUpdate={(before, after) => before.product_id !== after.product_id} noStyle>{() => <ProductFields productId={form.getFieldValue('product_id') as string | undefined} currency={currencyOf(form.getFieldValue('product_id') as string | undefined)} />}</Form.Item>
        </>
      )}
    </FormModal>
  )
}
