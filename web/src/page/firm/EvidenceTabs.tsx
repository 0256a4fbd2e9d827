import { Button, Card, DatePicker, Form, Input, InputNumber, Select, Tag } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant, money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { DateText, Id, Instant, Money, StateTag } from '../../widget/values'
import { FirmSelect } from './pickers'
import type { Consent, InvoiceRow, Read, Relation } from './types'
import { firmWords } from './words'

export function InvoicesTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const flags = (row: InvoiceRow) => [row.void && say('void'), row.red && say('redLetter'), row.duplicate && say('duplicate'), row.mismatch && say('mismatch')].filter((flag): flag is string => Boolean(flag))
  return (
    <DataTable<InvoiceRow>
      name="invoices"
      prefix="i_"
      path={`/firms/${id}/invoices`}
      rowKey={(_, position) => String(position)}
      empty={{ text: say('noInvoices') }}
      filters={[
        { kind: 'choice', name: 'direction', label: say('direction'), options: [{ value: 'sale', label: say('sale') }, { value: 'purchase', label: say('purchase') }] },
        { kind: 'text', name: 'counterparty', label: say('counterparty') },
      ]}
      columns={[
        { key: 'date', title: say('date'), text: (row) => row.date, render: (row) => <DateText date={row.date} /> },
        { key: 'direction', title: say('direction'), text: (row) => (row.direction === 'sale' ? say('sale') : say('purchase')) },
        { key: 'number', title: say('number'), text: (row) => row.number, render: (row) => <span className="mono">{row.number}</span> },
        { key: 'counterparty', title: say('counterparty'), text: (row) => row.counterparty },
        { key: 'net', title: say('net'), numeric: true, text: (row) => money(row.net_minor, 'CNY', false), render: (row) => <Money minor={row.net_minor} /> },
        { key: 'tax', title: say('tax'), numeric: true, text: (row) => money(row.tax_minor, 'CNY', false), render: (row) => <Money minor={row.tax_minor} /> },
        { key: 'gross', title: say('gross'), numeric: true, text: (row) => money(row.gross_minor, 'CNY', false), render: (row) => <Money minor={row.gross_minor} /> },
        { key: 'flags', title: say('flags'), text: (row) => flags(row).join(' ') || say('valid'), render: (row) => (flags(row).length === 0 ? <span className="muted">{say('valid')}</span> : flags(row).map((flag) => <Tag key={flag} color={row.void ? 'red' : 'orange'}>{flag}</Tag>)) },
      ]}
    />
  )
}

type ConsentFields = { purpose: string; kinds: string[]; ends: Dayjs; evidence_hash?: string }

export function ConsentsTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const lang = useLang()
  const may = useMay()
  const [granting, setGranting] = useState(false)
  const [withdrawing, setWithdrawing] = useState<Consent>()
  const must = [{ required: true, message: say('required') }]
  const code = (value: string) => (value === 'invoice' ? say('invoice') : value === 'credit' ? say('creditPurpose') : value === 'watch' ? say('monitoring') : value)
  const stateText = (row: Consent) => (row.withdrawn_at ? say('withdrawn') : row.live ? say('activeConsent') : say('notLive'))
  return (
    <div className="stack">
      <DataTable<Consent>
        name="consents"
        prefix="c_"
        path={`/firms/${id}/consents`}
        rowKey={(row) => row.id}
        empty={{ text: say('noConsents') }}
        tools={may('consent.write') ? <Button type="primary" onClick={() => setGranting(true)}>{say('grantConsent')}</Button> : null}
        columns={[
          { key: 'purpose', title: say('purpose'), text: (row) => code(row.purpose) },
          { key: 'kinds', title: say('consentKind'), text: (row) => (row.kinds ?? []).map(code).join(', ') },
          { key: 'from', title: say('validFrom'), text: (row) => row.starts_on, render: (row) => <DateText date={row.starts_on} /> },
          { key: 'until', title: say('validTo'), text: (row) => row.ends_on, render: (row) => <DateText date={row.ends_on} /> },
          { key: 'status', title: say('status'), text: stateText, render: (row) => <StateTag text={stateText(row)} tone={row.live ? 'good' : 'bad'} /> },
          { key: 'evidence', title: say('evidenceHash'), extra: true, text: (row) => row.evidence_hash, render: (row) => <span className="mono">{row.evidence_hash.slice(0, 16) || '—'}</span> },
          { key: 'act', title: '', render: (row) => (!row.withdrawn_at && may('consent.write') ? <Button type="link" danger size="small" onClick={() => setWithdrawing(row)}>{say('revoke')}</Button> : row.withdraw_reason) },
        ]}
      />
      <Card size="small" title={say('reads')}>
        <DataTable<Read>
          name="reads"
          prefix="r_"
          path={`/firms/${id}/reads`}
          rowKey={(row) => row.id}
          empty={{ text: say('noReads') }}
          columns={[
            { key: 'at', title: say('at'), text: (row) => instant(row.at, lang), render: (row) => <Instant at={row.at} /> },
            { key: 'kind', title: say('consentKind'), text: (row) => code(row.kind) },
            { key: 'purpose', title: say('purpose'), text: (row) => code(row.purpose) },
            { key: 'actor', title: say('actor'), text: (row) => row.actor, render: (row) => <Id id={row.actor} /> },
          ]}
        />
      </Card>
      {granting ? (
        <FormModal<ConsentFields> title={say('grantConsent')} onClose={() => setGranting(false)} stale={[`/firms/${id}`]} done={say('saved')} initial={{ kinds: ['invoice'], purpose: 'credit', ends: dayjs().add(2, 'year') }} act={({ ends, ...values }) => ({ path: `/firms/${id}/consents`, body: { ...values, ends_on: ends.format('YYYY-MM-DD') } })}>
          <Form.Item name="purpose" label={say('purpose')} rules={must}><Select options={(['credit', 'watch'] as const).map((value) => ({ value, label: code(value) }))} /></Form.Item>
          <Form.Item name="kinds" label={say('consentKind')} rules={must}><Select mode="multiple" options={[{ value: 'invoice', label: say('invoice') }]} /></Form.Item>
          <Form.Item name="ends" label={say('validTo')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="evidence_hash" label={say('evidenceHash')} rules={[{ pattern: /^[0-9a-f]{64}$/, message: 'SHA-256' }]}><Input maxLength={64} className="mono" /></Form.Item>
        </FormModal>
      ) : null}
      {withdrawing ? (
        <FormModal<{ reason: string }> title={say('withdraw')} danger onClose={() => setWithdrawing(undefined)} stale={[`/firms/${id}`]} done={say('withdrawn')} act={(values) => ({ path: `/firms/${id}/consents/${withdrawing.id}/withdraw`, body: values })}>
          <p>{say('revokeSure')}</p>
          <Form.Item name="reason" label={say('withdrawReason')} rules={must}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}

export function RelationsTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const may = useMay()
  const [adding, setAdding] = useState(false)
  const remove = useAction({ stale: [`/firms/${id}`] })
  const kinds = ['shareholder', 'guarantor', 'director', 'group', 'family', 'other'] as const
  const kindText = (code: string) => { const known = kinds.find((one) => one === code); return known ? say(known) : code }
  const must = [{ required: true, message: say('required') }]
  return (
    <>
      <DataTable<Relation>
        name="relations"
        path={`/firms/${id}/relations`}
        rowKey={(row) => row.id}
        empty={{ text: say('noRelations') }}
        tools={may('firm.write') ? <Button type="primary" onClick={() => setAdding(true)}>{say('addRelation')}</Button> : null}
        columns={[
          { key: 'name', title: say('name'), text: (row) => row.other_name, render: (row) => (row.other_firm_id ? <A href={`/firms/${row.other_firm_id}`}>{row.other_name || row.other_firm_id}</A> : row.other_name) },
          { key: 'kind', title: say('kind'), text: (row) => kindText(row.kind) },
          { key: 'share', title: say('share'), numeric: true, text: (row) => (row.share_bp > 0 ? `${(row.share_bp / 100).toFixed(2)}%` : '') },
          { key: 'note', title: say('relationNote'), text: (row) => row.note },
          { key: 'act', title: '', render: (row) => (may('firm.write') && !row.inverse ? <Button size="small" type="link" danger loading={remove.busy} onClick={() => void remove.run({ path: `/firms/${id}/relations/${row.id}`, method: 'DELETE' })}>{say('remove')}</Button> : null) },
        ]}
      />
      {adding ? (
        <FormModal<{ other_firm_id?: string; other_name?: string; kind: string; share?: number; note?: string }> title={say('addRelation')} onClose={() => setAdding(false)} stale={[`/firms/${id}`]} done={say('saved')} initial={{ kind: 'shareholder' }} act={({ share, ...values }) => ({ path: `/firms/${id}/relations`, body: { ...values, ...(share ? { share_bp: Math.round(share * 100) } : {}) } })}>
          <Form.Item name="other_firm_id" label={say('otherFirm')}><FirmSelect except={id} placeholder={say('search')} /></Form.Item>
          <Form.Item name="other_name" label={say('otherName')} dependencies={['other_firm_id']} rules={[(form) => ({ required: !form.getFieldValue('other_firm_id'), message: say('otherNeeded') })]}><Input maxLength={200} /></Form.Item>
          <Form.Item name="kind" label={say('kind')} rules={must}><Select options={kinds.map((value) => ({ value, label: say(value) }))} /></Form.Item>
          <Form.Item name="share" label={`${say('share')} %`}><InputNumber min={0} max={100} step={0.01} style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="note" label={say('relationNote')}><Input maxLength={500} /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}
