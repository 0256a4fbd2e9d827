import { Form, Input, InputNumber, Select } from 'antd'
import { useWords } from '../../i18n/words'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { BranchSelect } from '../admin/choices'
import { IndustrySelect, RegionSelect } from './pickers'
import type { Firm } from './types'
import { firmWords } from './words'

const types = { enterprise: 'enterprise', individual: 'individual_business', owner: 'owner_person', farmer: 'farmer', cooperative: 'cooperative', family_farm: 'family_farm', other: 'otherType' } as const
const sources = { 'self-declared': 'selfDeclared', tax: 'taxSource', statement: 'statementSource' } as const

export function useCustomerType(): (code: string) => string {
  const say = useWords(firmWords)
  return (code) => (code in types ? say(types[code as keyof typeof types]) : code)
}

type Fields = {
  code: string; name: string; uscc?: string; uscc_evidence?: string; customer_type: string; industry?: string; region?: string; employees?: number | null; revenue_minor?: number; assets_minor?: number; size_source?: string
  owner_name?: string; owner_id?: string; phone?: string; address?: string; branch_id?: string; default_label?: string
}

function fieldsOf(firm: Firm): Fields {
  return {
    code: firm.code, name: firm.name, uscc: firm.uscc, uscc_evidence: firm.uscc_evidence ?? '', customer_type: firm.customer_type, industry: firm.industry, region: firm.region, size_source: firm.size_source || 'self-declared',
    ...(firm.employees ? { employees: firm.employees } : {}), ...(firm.revenue_minor ? { revenue_minor: firm.revenue_minor } : {}), ...(firm.assets_minor ? { assets_minor: firm.assets_minor } : {}),
    owner_name: firm.owner_name, owner_id: firm.owner_id, phone: firm.phone, address: firm.address, default_label: firm.default_label, ...(firm.branch_id ? { branch_id: firm.branch_id } : {}),
  }
}

/** The whole firm as it shall be: the server replaces what it knows, so what this form does not show goes back as it was. */
function bodyOf(values: Fields, firm: Firm | undefined): object {
  const said = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== undefined && value !== null))
  if (!firm) return said
  const sameLabel = (values.default_label ?? '') === firm.default_label && firm.default_label !== ''
  return { ...said, code: firm.code, ...(firm.demo ? { demo: true } : {}), ...(sameLabel ? { label_on: firm.label_on, label_source: firm.label_source } : {}) }
}

/** Creates a firm, or changes the one given at the version that was shown. */
export function FirmForm({ firm, onClose, onDone, onStale }: { firm?: Firm; onClose: () => void; onDone?: (firm: Firm) => void; onStale?: () => void }) {
  const say = useWords(firmWords)
  const type = useCustomerType()
  const must = [{ required: true, whitespace: true, message: say('required') }]
  return (
    <FormModal<Fields, Firm>
      title={firm ? `${say('editFirm')} · ${firm.name}` : say('addFirm')}
      width={760}
      onClose={onClose}
      stale={firm ? [`/firms/${firm.id}`, '/firms'] : ['/firms']}
      done={firm ? say('saved') : say('firmCreated')}
      initial={firm ? fieldsOf(firm) : { customer_type: 'enterprise', size_source: 'self-declared' }}
      act={(values) => (firm ? { path: `/firms/${firm.id}`, method: 'PUT', body: bodyOf(values, firm), etag: `"${firm.version}"` } : { path: '/firms', body: bodyOf(values, undefined) })}
      {...(onDone ? { onDone } : {})}
      {...(onStale ? { onStale } : {})}
    >
      <div className="fields">
        <Form.Item name="name" label={say('name')} rules={must}><Input maxLength={200} /></Form.Item>
        <Form.Item name="code" label={say('code')} rules={must} extra={firm ? undefined : say('codeHint')}><Input maxLength={64} disabled={firm !== undefined} /></Form.Item>
        <Form.Item name="uscc" label={say('uscc')}><Input maxLength={18} className="mono" /></Form.Item>
        <Form.Item name="uscc_evidence" label={say('usccEvidence')} extra={say('usccEvidenceHint')}><Input maxLength={500} /></Form.Item>
        <Form.Item name="customer_type" label={say('customerType')}><Select options={Object.keys(types).map((value) => ({ value, label: type(value) }))} /></Form.Item>
        <Form.Item name="industry" label={say('industry')}><IndustrySelect placeholder={say('industryHint')} /></Form.Item>
        <Form.Item name="region" label={say('region')}><RegionSelect /></Form.Item>
        <Form.Item name="branch_id" label={say('branch')}><BranchSelect /></Form.Item>
        <Form.Item name="employees" label={say('employees')}><InputNumber min={0} max={10_000_000} precision={0} style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="size_source" label={say('sizeSource')}><Select options={Object.entries(sources).map(([value, word]) => ({ value, label: say(word) }))} /></Form.Item>
        <Form.Item name="revenue_minor" label={say('revenue')}><MoneyInput /></Form.Item>
        <Form.Item name="assets_minor" label={say('assets')}><MoneyInput /></Form.Item>
        <Form.Item name="owner_name" label={say('owner')}><Input maxLength={60} /></Form.Item>
        <Form.Item name="owner_id" label={say('ownerId')} extra={say('maskedHint')}><Input maxLength={18} className="mono" autoComplete="off" /></Form.Item>
        <Form.Item name="phone" label={say('phone')} rules={[{ pattern: /^[\d\s+*-]*$/, message: say('badPhone') }]}><Input maxLength={20} autoComplete="off" /></Form.Item>
        <Form.Item name="default_label" label={say('outcome')}><Select options={[{ value: '', label: say('outcomeNone') }, { value: 'good', label: say('good') }, { value: 'bad', label: say('bad') }]} /></Form.Item>
      </div>
      <Form.Item name="address" label={say('address')}><Input maxLength={200} /></Form.Item>
    </FormModal>
  )
}
