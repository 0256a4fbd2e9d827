import { App, Button, DatePicker, Form, Input, Select, Tag } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { DateText, Money, StateTag } from '../../widget/values'
import type { Consent, InvoiceRow } from './types'
import { firmWords } from './words'

export function InvoicesTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const flags = (row: InvoiceRow) => [row.void && say('void'), row.red && say('redLetter'), row.duplicate && say('duplicate'), row.mismatch && say('mismatch')].filter((flag): flag is string => Boolean(flag))
  return (
    <DataTable<InvoiceRow>
      name="invoices"
      prefix="i_"
      path={`/firms/${id}/invoices`}
      rowKey={(row) => row.id || row.direction + row.number + row.date + row.gross_minor}
      empty={{ text: say('noInvoices') }}
      filters={[
        { kind: 'choice', name: 'direction', label: say('direction'), options: [{ value: 'sale', label: say('sale') }, { value: 'purchase', label: say('purchase') }] },
        { kind: 'dates', from: 'from', to: 'until', label: say('date') },
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

type ConsentFields = { purposes: string[]; kinds: string[]; until: Dayjs; evidence: string }

export function ConsentsTab({ id }: { id: string }) {
  const say = useWords(firmWords)
  const may = useMay()
  const { modal } = App.useApp()
  const [granting, setGranting] = useState(false)
  const revoke = useAction({ stale: [`/firms/${id}`], done: say('revoked') })
  const must = [{ required: true, message: say('required') }]
  const code = (value: string) => (value === 'invoice' ? say('invoice') : value === 'credit' ? say('creditPurpose') : value === 'monitoring' ? say('monitoring') : value)
  const state = (row: Consent) => (row.revoked_at ? 'revoked' : row.valid_until && dayjs(row.valid_until).isBefore(dayjs(), 'day') ? 'expired' : 'active')
  const stateText = (row: Consent) => ({ revoked: say('revoked'), expired: say('expiredConsent'), active: say('activeConsent') })[state(row)]
  return (
    <>
      <DataTable<Consent>
        name="consents"
        prefix="c_"
        path={`/firms/${id}/consents`}
        rowKey={(row) => row.id}
        empty={{ text: say('noConsents') }}
        tools={may('consent.grant') ? <Button type="primary" onClick={() => setGranting(true)}>{say('grantConsent')}</Button> : null}
        columns={[
          { key: 'kinds', title: say('consentKind'), text: (row) => (row.kinds ?? []).map(code).join(', ') },
          { key: 'purpose', title: say('purpose'), text: (row) => (row.purposes ?? [row.purpose ?? '']).map(code).join(', ') },
          { key: 'recipient', title: say('recipient'), text: (row) => row.recipient ?? '' },
          { key: 'from', title: say('validFrom'), text: (row) => row.valid_from ?? '', render: (row) => <DateText date={row.valid_from} /> },
          { key: 'until', title: say('validTo'), text: (row) => row.valid_until ?? '', render: (row) => <DateText date={row.valid_until} /> },
          { key: 'status', title: say('status'), text: stateText, render: (row) => <StateTag text={stateText(row)} tone={state(row) === 'active' ? 'good' : 'bad'} /> },
          { key: 'act', title: '', render: (row) => (state(row) === 'active' && may('consent.grant') ? <Button type="link" danger size="small" onClick={() => modal.confirm({ title: say('revoke'), content: say('revokeSure'), okButtonProps: { danger: true }, onOk: () => revoke.run({ path: `/consents/${row.id}/revoke`, body: {} }) })}>{say('revoke')}</Button> : null) },
        ]}
      />
      {granting ? (
        <FormModal<ConsentFields> title={say('grantConsent')} onClose={() => setGranting(false)} stale={[`/firms/${id}`]} done={say('saved')} initial={{ kinds: ['invoice'], purposes: ['credit', 'monitoring'], until: dayjs().add(2, 'year') }} act={({ until, ...values }) => ({ path: `/firms/${id}/consents`, body: { ...values, valid_until: until.format('YYYY-MM-DD') } })}>
          <Form.Item name="kinds" label={say('consentKind')} rules={must}><Select mode="multiple" options={[{ value: 'invoice', label: say('invoice') }]} /></Form.Item>
          <Form.Item name="purposes" label={say('purpose')} rules={must}><Select mode="multiple" options={[{ value: 'credit', label: say('creditPurpose') }, { value: 'monitoring', label: say('monitoring') }]} /></Form.Item>
          <Form.Item name="until" label={say('validTo')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="evidence" label={say('evidenceOf')} rules={must}><Input maxLength={500} /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}
