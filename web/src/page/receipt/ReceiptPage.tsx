import { Alert, Button, Card, Descriptions, Form, Input, Statistic } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { Timeline } from '../../widget/Lists'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Money, useText } from '../../widget/values'
import { AssignForm } from './AssignForm'
import { ReceiptState } from './Receipts'
import type { ReceiptDetail, Use } from './types'
import { receiptWords } from './words'

const stale = ['/receipt', '/loans', '/proposals', '/payments', '/journal-entries', '/trial-balance']

function ReturnForm({ receipt, onClose }: { receipt: ReceiptDetail; onClose: () => void }) {
  const say = useWords(receiptWords)
  return (
    <FormModal<{ account?: string; name?: string; reason: string }> title={say('giveBack')} onClose={onClose} stale={stale} done={say('giveBackDone')} act={(values) => ({ path: `/receipts/${receipt.id}/return`, body: values })}>
      <p className="muted">{say('giveBackHint')} <Money minor={receipt.open_minor} currency={receipt.currency} /></p>
      <Form.Item name="account" label={say('account')} extra={receipt.payer_account ? say('accountEmpty', { account: receipt.payer_account }) : say('accountNeeded')} rules={receipt.payer_account ? [] : [{ required: true, message: say('required') }]}><Input maxLength={64} /></Form.Item>
      <Form.Item name="name" label={say('name')}><Input maxLength={64} placeholder={receipt.payer_name} /></Form.Item>
      <Form.Item name="reason" label={say('reason')} rules={[{ required: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={500} /></Form.Item>
    </FormModal>
  )
}

function IgnoreForm({ id, onClose }: { id: string; onClose: () => void }) {
  const say = useWords(receiptWords)
  return (
    <FormModal<{ reason: string }> title={say('leaveAside')} onClose={onClose} stale={stale} done={say('proposed')} act={(values) => ({ path: `/receipts/${id}/ignore`, body: values })}>
      <p className="muted">{say('leaveAsideHint')}</p>
      <Form.Item name="reason" label={say('reason')} rules={[{ required: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={500} autoFocus /></Form.Item>
    </FormModal>
  )
}

function NoteForm({ id, onClose }: { id: string; onClose: () => void }) {
  const say = useWords(receiptWords)
  return (
    <FormModal<{ note: string }> title={say('addNote')} onClose={onClose} stale={stale} done={say('noteDone')} act={(values) => ({ path: `/receipts/${id}/notes`, body: values })}>
      <Form.Item name="note" label={say('note')} rules={[{ required: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={500} autoFocus /></Form.Item>
    </FormModal>
  )
}

function History({ receipt }: { receipt: ReceiptDetail }) {
  const say = useWords(receiptWords)
  const names: Record<string, string> = { posted: say('posted'), confirmed: say('confirmed'), returning: say('returning'), returned: say('returned'), return_failed: `${say('returned')} ✕`, ignored: say('ignored'), note: say('note') }
  const title = (use: Use) => (
    <span className="row">
      <b>{names[use.kind] ?? use.kind}</b>
      {use.amount_minor > 0 ? <Money minor={use.amount_minor} currency={receipt.currency} /> : null}
      {use.loan_id ? <A href={`/loans/${use.loan_id}`}><Id id={use.loan_id} /></A> : null}
    </span>
  )
  return <Timeline items={receipt.uses.map((use) => ({ id: String(use.no), at: use.at, title: title(use), detail: use.note, tone: use.kind === 'return_failed' ? 'bad' as const : use.kind === 'posted' || use.kind === 'confirmed' ? 'good' as const : 'plain' as const })).reverse()} />
}

export default function ReceiptPage() {
  const say = useWords(receiptWords)
  const text = useText()
  const may = useMay()
  const id = useId()
  const [doing, setDoing] = useState<'assign' | 'return' | 'ignore' | 'note'>()
  const found = useGet<ReceiptDetail>(`/receipts/${id}`, undefined, { every: (one) => (one && (one.status === 'returning' || one.status === 'matched') ? 2000 : false) })
  const close = () => setDoing(undefined)
  return (
    <div className="page">
      <Async of={found}>
        {(one) => (
          <>
            <PageHeader title={`${one.payer_name || say('receipt')} ${money(one.amount_minor, one.currency)}`} tag={<ReceiptState status={one.status} />} crumbs={[{ text: say('receipts'), href: '/receipts' }, { text: one.id }]} actions={may('receipt.handle') ? <>
              <Button onClick={() => setDoing('note')}>{say('addNote')}</Button>
              {one.status === 'exception' ? <><Button onClick={() => setDoing('ignore')}>{say('leaveAside')}</Button><Button onClick={() => setDoing('return')} data-testid="receipt-return">{say('giveBack')}</Button><Button type="primary" onClick={() => setDoing('assign')} data-testid="receipt-assign">{say('assign')}</Button></> : null}
            </> : null} />
            <Alert type={one.status === 'exception' ? 'warning' : 'info'} showIcon title={text(one.why) || say(one.status)} description={one.status === 'exception' && one.plan.length > 0 ? <span>{say('suggestion')}：{one.plan.map((share) => `${share.loan_id} ${money(share.amount_minor, one.currency)}`).join('；')}</span> : null} />
            <div className="tiles">
              <Card size="small"><Statistic title={say('amount')} value={money(one.amount_minor, one.currency)} /></Card>
              <Card size="small"><Statistic title={say('open')} value={money(one.open_minor, one.currency)} /></Card>
              <Card size="small"><Statistic title={say('posted')} value={money(one.posted_minor + one.confirmed_minor, one.currency)} /></Card>
              <Card size="small"><Statistic title={say('returned')} value={money(one.returning_minor + one.returned_minor, one.currency)} /></Card>
              <Card size="small"><Statistic title={say('ignored')} value={money(one.ignored_minor, one.currency)} /></Card>
            </div>
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
                { key: 'payer', label: say('payer'), children: one.payer_name || '—' },
                { key: 'account', label: say('payerAccount'), children: <span className="mono">{one.payer_account || '—'}</span> },
                { key: 'date', label: say('valueDate'), children: <DateText date={one.value_date} /> },
                { key: 'reference', label: say('reference'), children: <span className="mono">{one.bank_reference}</span> },
                { key: 'remittance', label: say('remittance'), children: one.remittance || '—' },
                { key: 'channel', label: say('channel'), children: one.channel || '—' },
                { key: 'score', label: say('score'), children: one.score > 0 ? <span className="num">{one.score}/100</span> : '—' },
                { key: 'file', label: say('file'), children: <A href={`/receipts/files/${one.file_id}`}><Id id={one.file_id} /> {say('line')} {one.line}</A> },
                { key: 'note', label: say('note'), children: one.note || '—' },
              ]} />
            </Card>
            <Card size="small" title={say('history')}><History receipt={one} /></Card>
            {doing === 'assign' ? <AssignForm receipt={one} onClose={close} stale={stale} /> : null}
            {doing === 'return' ? <ReturnForm receipt={one} onClose={close} /> : null}
            {doing === 'ignore' ? <IgnoreForm id={one.id} onClose={close} /> : null}
            {doing === 'note' ? <NoteForm id={one.id} onClose={close} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
