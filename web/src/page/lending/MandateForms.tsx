import { Alert, DatePicker, Form, Input, InputNumber, Select, Switch } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useWords } from '../../i18n/words'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import type { CollectionPolicy, Mandate } from './mandateTypes'
import { mandateWords } from './mandateWords'

export const mandateStale = ['/mandates', '/loans', '/collections', '/proposals']
const causes = ['customer', 'dispute', 'account_closed', 'other'] as const
const day = (value: Dayjs | null | undefined) => (value ? value.format('YYYY-MM-DD') : undefined)

/** What a mandate can be signed for. */
export type MandateTarget = { scope: 'loan' | 'facility' | 'firm'; id: string }

type Fields = { reference?: string; target?: number; debtor_account: string; debtor_name: string; max_minor?: number; valid_from: Dayjs; valid_to?: Dayjs | null; signed_on: Dayjs; document: string; note?: string }

/** Signs a mandate, or gives one new terms; both wait for a second person. New terms take a suspended one up again. */
export function MandateForm({ mandate, targets, currency, account, name, today, onClose }: { mandate?: Mandate; targets: MandateTarget[]; currency: string; account: string; name: string; today: string; onClose: () => void }) {
  const say = useWords(mandateWords)
  const must = [{ required: true, message: say('required') }]
  const from = mandate
  return (
    <FormModal<Fields>
      title={from ? (from.state === 'suspended' ? say('resume') : say('change')) : say('sign')}
      width={640}
      onClose={onClose}
      stale={mandateStale}
      done={say('proposed')}
      initial={{ target: 0, debtor_account: from?.debtor_account ?? account, debtor_name: from?.debtor_name || name, ...(from?.max_minor ? { max_minor: from.max_minor } : {}), valid_from: dayjs(from && !from.implied ? from.valid_from : today), signed_on: dayjs(from?.signed_on ?? today), document: from?.document ?? '', ...(from?.valid_to ? { valid_to: dayjs(from.valid_to) } : {}) }}
      act={(values) => {
        const target = targets[values.target ?? 0]
        const terms = { debtor_account: values.debtor_account, debtor_name: values.debtor_name, max_minor: values.max_minor ?? 0, valid_from: day(values.valid_from), signed_on: day(values.signed_on), document: values.document, ...(values.valid_to ? { valid_to: day(values.valid_to) } : {}), ...(values.note ? { note: values.note } : {}) }
        return from ? { path: `/mandates/${from.id}/changes`, body: terms } : { path: '/mandates', body: { ...terms, reference: values.reference, scope: target?.scope, scope_id: target?.id, currency } }
      }}
    >
      {from ? null : (
        <>
          <Form.Item name="reference" label={say('reference')} rules={must}><Input maxLength={35} /></Form.Item>
          <Form.Item name="target" label={say('scope')} rules={must}><Select options={targets.map((one, value) => ({ value, label: say(one.scope) }))} /></Form.Item>
        </>
      )}
      <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 200px), 1fr))' }}>
        <Form.Item name="debtor_account" label={say('account')} rules={must}><Input maxLength={64} className="num" /></Form.Item>
        <Form.Item name="debtor_name" label={say('name')} rules={must}><Input maxLength={64} /></Form.Item>
        <Form.Item name="max_minor" label={say('max')} extra={say('maxHint')}><MoneyInput currency={currency} /></Form.Item>
        <Form.Item name="signed_on" label={say('signedOn')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="valid_from" label={say('validFrom')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="valid_to" label={say('validTo')}><DatePicker style={{ width: '100%' }} /></Form.Item>
      </div>
      <Form.Item name="document" label={say('document')} extra={say('documentHint')} rules={must}><Input maxLength={128} /></Form.Item>
      <Form.Item name="note" label={say('note')}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
    </FormModal>
  )
}

/** Stops a mandate: one person, at once. */
export function StopForm({ mandate, verb, onClose }: { mandate: Mandate; verb: 'suspend' | 'revoke'; onClose: () => void }) {
  const say = useWords(mandateWords)
  const must = [{ required: true, message: say('required') }]
  return (
    <FormModal<{ cause: string; reason: string }> title={`${say(verb)} ${mandate.reference}`} danger onClose={onClose} stale={mandateStale} done={say('stopped')} initial={{ cause: verb === 'suspend' ? 'dispute' : 'customer' }} act={(values) => ({ path: `/mandates/${mandate.id}/${verb}`, body: values })}>
      <Alert type="warning" showIcon title={verb === 'revoke' ? say('revokeHint') : say('stopHint')} style={{ marginBottom: 12 }} />
      <Form.Item name="cause" label={say('cause')} rules={must}><Select options={causes.map((value) => ({ value, label: say(value) }))} /></Form.Item>
      <Form.Item name="reason" label={say('why')} rules={must}><Input.TextArea rows={2} maxLength={500} showCount /></Form.Item>
    </FormModal>
  )
}

/** The policy of debits; a change waits for a second person. */
export function CollectionPolicyForm({ policy, onClose }: { policy: CollectionPolicy; onClose: () => void }) {
  const say = useWords(mandateWords)
  return (
    <FormModal<CollectionPolicy> title={say('policy')} onClose={onClose} stale={['/collection-policy', '/proposals']} done={say('proposed')} initial={policy} act={({ attempts_per_day, give_up_after_days, partial, minimum_minor, implied }) => ({ path: '/collection-policy', body: { attempts_per_day, give_up_after_days: give_up_after_days ?? 0, partial, minimum_minor: partial ? (minimum_minor ?? 0) : 0, implied } })}>
      {(form) => (
        <>
          <Form.Item name="attempts_per_day" label={say('attemptsPerDay')}><InputNumber min={1} max={5} precision={0} /></Form.Item>
          <Form.Item name="give_up_after_days" label={say('giveUp')}><InputNumber min={0} max={3650} precision={0} /></Form.Item>
          <Form.Item name="partial" label={say('partial')} extra={say('partialHint')} valuePropName="checked"><Switch /></Form.Item>
          <Form.Item shouldUpdate noStyle>{() => (form.getFieldValue('partial') ? <Form.Item name="minimum_minor" label={say('minimum')}><InputNumber min={0} precision={0} style={{ width: 200 }} /></Form.Item> : null)}</Form.Item>
          <Form.Item name="implied" label={say('impliedPolicy')} valuePropName="checked"><Switch /></Form.Item>
        </>
      )}
    </FormModal>
  )
}
