import { Button, Card, DatePicker, Form, Input, Select, Space } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useBusinessDate, useMay } from '../../shell/session'
import { DataTable, type Column } from '../../widget/DataTable'
import { FormModal } from '../../widget/FormModal'
import { instant } from '../../widget/format'
import { MoneyInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { both, Id, Instant, StateTag, type Tone } from '../../widget/values'
import type { ChartAccount } from './Accounts'
import { EntryTable } from './Journal'
import { ledgerWords } from './ledgerWords'

type Proposal = { id: string; object_id: string; note?: string; state: 'pending' | 'approved' | 'rejected' | 'cancelled' | 'expired'; made_by_name: string; created_at: string }
type VoucherLine = { account: string; sub?: string; side: 'debit' | 'credit'; amount: number }
type Values = { reference: string; date: Dayjs; reason: string; branch?: string; lines: VoucherLine[] }

const tones: Record<Proposal['state'], Tone> = { pending: 'busy', approved: 'good', rejected: 'bad', cancelled: 'plain', expired: 'warn' }

function VoucherForm({ onClose }: { onClose: () => void }) {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const today = useBusinessDate()
  const accounts = useGet<{ items: ChartAccount[] }>('/accounts')
  const branches = useGet<{ items: { id: string; name: string; name_en?: string }[] }>('/branches')
  const options = (accounts.data?.items ?? []).filter((one) => one.manual && one.active).map((one) => ({ value: one.code, label: `${one.code} ${both(lang, one.name_zh, one.name_en)}` }))
  return (
    <FormModal<Values>
      title={say('newVoucher')}
      width={760}
      onClose={onClose}
      initial={{ ...(today ? { date: dayjs(today) } : {}), lines: [{ account: '', side: 'debit', amount: 0 }, { account: '', side: 'credit', amount: 0 }] }}
      stale={['/proposals']}
      done={say('proposed')}
      act={(values) => ({
        path: '/vouchers',
        body: {
          reference: values.reference, date: values.date.format('YYYY-MM-DD'), reason: values.reason, branch: values.branch || undefined,
          lines: values.lines.map((line) => ({ account: line.account, sub: line.sub || undefined, currency: 'CNY', amount_minor: line.side === 'debit' ? line.amount : -line.amount })),
        },
      })}
    >
      <Space wrap>
        <Form.Item name="reference" label={say('reference')} rules={[{ required: true }]}><Input maxLength={80} /></Form.Item>
        <Form.Item name="date" label={say('date')} rules={[{ required: true }]}><DatePicker /></Form.Item>
        <Form.Item name="branch" label={say('branch')}><Select allowClear showSearch={{ optionFilterProp: 'label' }} placeholder={say('wholeBank')} style={{ width: 200 }} options={(branches.data?.items ?? []).map((one) => ({ value: one.id, label: both(lang, one.name, one.name_en ?? '') }))} /></Form.Item>
      </Space>
      <Form.Item name="reason" label={say('reason')} rules={[{ required: true }]}><Input maxLength={200} /></Form.Item>
      <Form.List name="lines">
        {(fields, { add, remove }) => (
          <div className="stack" style={{ gap: 6 }}>
            {fields.map((field) => (
              <Space key={field.key} align="start" wrap>
                <Form.Item name={[field.name, 'side']} noStyle><Select style={{ width: 90 }} options={[{ value: 'debit', label: say('debit') }, { value: 'credit', label: say('credit') }]} aria-label={say('side')} /></Form.Item>
                <Form.Item name={[field.name, 'account']} rules={[{ required: true }]} style={{ marginBottom: 0 }}><Select showSearch={{ optionFilterProp: 'label' }} style={{ width: 260 }} options={options} placeholder={say('account')} aria-label={say('account')} /></Form.Item>
                <Form.Item name={[field.name, 'sub']} noStyle><Input placeholder={say('sub')} maxLength={80} style={{ width: 120 }} /></Form.Item>
                <Form.Item name={[field.name, 'amount']} rules={[{ required: true }]} style={{ marginBottom: 0 }}><MoneyInput /></Form.Item>
                {fields.length > 2 ? <Button aria-label={say('removeLine')} onClick={() => remove(field.name)}>×</Button> : null}
              </Space>
            ))}
            <Button type="dashed" onClick={() => add({ side: 'debit' })}>{say('addLine')}</Button>
          </div>
        )}
      </Form.List>
    </FormModal>
  )
}

export default function Vouchers() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const may = useMay()
  const [making, setMaking] = useState(false)
  const columns: Column<Proposal>[] = [
    { key: 'object', title: say('reference'), text: (row) => row.object_id, render: (row) => <Id id={row.object_id} /> },
    { key: 'note', title: say('reason'), text: (row) => row.note ?? '' },
    { key: 'state', title: say('state'), text: (row) => say(row.state), render: (row) => <StateTag text={say(row.state)} tone={tones[row.state]} /> },
    { key: 'by', title: say('actor'), text: (row) => row.made_by_name },
    { key: 'at', title: say('date'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
    { key: 'open', title: '', text: () => '', render: (row) => <A href={`/proposals?id=${row.id}`}>{say('review')}</A> },
  ]
  return (
    <div className="page">
      <PageHeader title={say('vouchers')} hint={say('vouchersHint')} actions={may('voucher.propose') ? <Button type="primary" onClick={() => setMaking(true)}>{say('newVoucher')}</Button> : null} />
      <Card size="small" title={say('waiting')}>
        <DataTable<Proposal> name="vouchers" path="/proposals" fixed={{ kind: 'ledger.voucher' }} columns={columns} rowKey={(row) => row.id} empty={{ text: say('noVouchers') }} />
      </Card>
      <Card size="small" title={say('posted')}>
        <EntryTable name="posted-vouchers" fixed={{ object: 'voucher' }} prefix="p_" />
      </Card>
      {making ? <VoucherForm onClose={() => setMaking(false)} /> : null}
    </div>
  )
}
