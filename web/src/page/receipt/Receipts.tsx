import { Button, Card, DatePicker, Form, Select, Statistic, Tabs, Upload as Dropzone } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { newKey, upload } from '../../api/client'
import { useAction, useGet } from '../../api/hooks'
import { asProblem } from '../../api/problem'
import { useProblemToast } from '../../api/toast'
import { useLang, useWords } from '../../i18n/words'
import { useGo, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable, type Column } from '../../widget/DataTable'
import { count, instant, money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Instant, Money, StateTag, useText, type Tone } from '../../widget/values'
import { PolicyForm } from './PolicyForm'
import { Statements } from './Statements'
import type { Count, Receipt, ReceiptFile, ReceiptStatus } from './types'
import { receiptWords } from './words'

const currencies = ['CNY', 'USD', 'EUR', 'GBP', 'HKD', 'JPY']
const tones: Record<string, Tone> = { received: 'plain', matched: 'busy', exception: 'warn', returning: 'busy', closed: 'good', running: 'busy', done: 'good', refused: 'bad' }
const statuses: ReceiptStatus[] = ['exception', 'received', 'matched', 'returning', 'closed']

export function ReceiptState({ status }: { status: ReceiptStatus | ReceiptFile['status'] }) {
  const say = useWords(receiptWords)
  return <StateTag text={say(status)} tone={tones[status] ?? 'plain'} />
}

/** Takes a file straight from the person's machine to its page, where the job's bar is. */
function UploadButton() {
  const say = useWords(receiptWords)
  const go = useGo()
  const toast = useProblemToast()
  const [progress, setProgress] = useState<number>()
  const start = useAction<ReceiptFile>({ stale: ['/receipt', '/jobs'], onDone: (file) => go(`/receipts/files/${file.id}`) })
  const send = async (chosen: File) => {
    const form = new FormData()
    form.append('file', chosen, chosen.name)
    setProgress(0)
    try {
      const stored = await upload<{ hash: string }>('/uploads', form, newKey(), (done, total) => setProgress(total > 0 ? Math.round((done / total) * 100) : 0))
      await start.run({ path: '/receipt-files', body: { file_hash: stored.hash, file_name: chosen.name } })
    } catch (error) {
      toast(asProblem(error))
    } finally {
      setProgress(undefined)
    }
  }
  return (
    <Dropzone accept=".xlsx,.csv,.txt,.xml" showUploadList={false} beforeUpload={(chosen) => { void send(chosen); return false }} disabled={progress !== undefined}>
      <Button type="primary" loading={progress !== undefined || start.busy} data-testid="receipt-upload">{progress === undefined ? say('upload') : `${say('uploading')} ${progress}%`}</Button>
    </Dropzone>
  )
}

function PullForm({ onClose }: { onClose: () => void }) {
  const say = useWords(receiptWords)
  const go = useGo()
  return (
    <FormModal<{ days?: [Dayjs, Dayjs]; currency?: string }, ReceiptFile> title={say('pull')} onClose={onClose} stale={['/receipt', '/jobs']} done={say('pullDone')} onDone={(file) => go(`/receipts/files/${file.id}`)} act={({ days, currency }) => ({ path: '/receipt-files/pull', body: { ...(currency ? { currency } : {}), ...(days ? { from: days[0].format('YYYY-MM-DD'), to: days[1].format('YYYY-MM-DD') } : {}) } })}>
      <Form.Item name="currency" label={say('currency')} extra={say('currencyHint')}><Select allowClear options={currencies.map((value) => ({ value, label: value }))} /></Form.Item>
      <Form.Item name="days" label={say('days')} extra={say('daysHint')}><DatePicker.RangePicker /></Form.Item>
    </FormModal>
  )
}

export function useReceiptColumns(): Column<Receipt>[] {
  const say = useWords(receiptWords)
  const text = useText()
  return [
    { key: 'status', title: say('status'), text: (row) => say(row.status), render: (row) => <ReceiptState status={row.status} /> },
    { key: 'payer', title: say('payer'), text: (row) => row.payer_name, render: (row) => <div><b>{row.payer_name || '—'}</b><div className="muted mono">{row.payer_account}</div></div> },
    { key: 'amount', title: say('amount'), numeric: true, text: (row) => money(row.amount_minor, row.currency, false), render: (row) => <Money minor={row.amount_minor} currency={row.currency} /> },
    { key: 'currency', title: say('currency'), extra: true, text: (row) => row.currency },
    { key: 'open', title: say('open'), numeric: true, text: (row) => money(row.open_minor, row.currency, false), render: (row) => (row.open_minor > 0 ? <Money minor={row.open_minor} currency={row.currency} /> : null) },
    { key: 'value', title: say('valueDate'), text: (row) => row.value_date, render: (row) => <DateText date={row.value_date} /> },
    { key: 'remittance', title: say('remittance'), text: (row) => row.remittance },
    { key: 'why', title: say('why'), text: (row) => text(row.why) },
    { key: 'reference', title: say('reference'), extra: true, text: (row) => row.bank_reference, render: (row) => <span className="mono">{row.bank_reference}</span> },
    { key: 'channel', title: say('channel'), extra: true, text: (row) => row.channel },
  ]
}

export function ReceiptTable({ name, fixed, status, prefix }: { name: string; fixed?: Record<string, string>; status?: ReceiptStatus; prefix?: string }) {
  const say = useWords(receiptWords)
  const columns = useReceiptColumns()
  return (
    <DataTable<Receipt>
      name={name}
      path="/receipts"
      every={10_000}
      fixed={{ ...fixed, ...(status ? { status } : {}) }}
      rowKey={(row) => row.id}
      href={(row) => `/receipts/${row.id}`}
      empty={{ text: status === 'exception' ? say('noExceptions') : say('noReceipts') }}
      {...(prefix ? { prefix } : {})}
      filters={[{ kind: 'text', name: 'q', label: say('search') }, ...(status ? [] : [{ kind: 'choice' as const, name: 'status', label: say('status'), options: statuses.map((value) => ({ value, label: say(value) })) }])]}
      columns={columns}
    />
  )
}

function Files() {
  const say = useWords(receiptWords)
  const lang = useLang()
  return (
    <DataTable<ReceiptFile>
      name="receipt-files"
      path="/receipt-files"
      prefix="f"
      every={10_000}
      rowKey={(row) => row.id}
      href={(row) => `/receipts/files/${row.id}`}
      empty={{ text: say('noFiles'), action: <a href="/api/v1/receipt-template.xlsx" download><Button>{say('template')}</Button></a> }}
      columns={[
        { key: 'file', title: say('file'), text: (row) => row.name, render: (row) => <b>{row.name}</b> },
        { key: 'kind', title: say('kind'), text: (row) => say(row.kind) },
        { key: 'status', title: say('status'), text: (row) => say(row.status), render: (row) => <ReceiptState status={row.status} /> },
        { key: 'fresh', title: say('fresh'), numeric: true, text: (row) => count(row.receipts, lang) },
        { key: 'repeats', title: say('repeats'), numeric: true, text: (row) => count(row.repeats, lang) },
        { key: 'bad', title: say('bad'), numeric: true, text: (row) => count(row.bad, lang) },
        { key: 'amount', title: say('amount'), numeric: true, text: (row) => (row.currency ? money(row.amount_minor, row.currency) : say('several')), render: (row) => (row.currency ? <Money minor={row.amount_minor} currency={row.currency} /> : say('several')) },
        { key: 'at', title: say('at'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
      ]}
    />
  )
}

export default function Receipts() {
  const say = useWords(receiptWords)
  const lang = useLang()
  const may = useMay()
  const [url, setUrl] = useUrlState()
  const [pulling, setPulling] = useState(false)
  const [ruling, setRuling] = useState(false)
  const summary = useGet<{ items: Count[] }>('/receipt-summary', undefined, { every: 10_000 })
  const rematch = useAction({ stale: ['/receipt', '/jobs'], done: say('rematchDone') })
  const of = (status: ReceiptStatus) => (summary.data?.items ?? []).filter((one) => one.status === status)
  const sums = (status: ReceiptStatus) => of(status).map((one) => money(status === 'closed' ? one.amount_minor : one.open_minor, one.currency)).join(' · ') || money(0)
  const tab = url.tab ?? 'exception'
  return (
    <div className="page">
      <PageHeader title={say('receipts')} hint={say('receiptsHint')} actions={may('receipt.handle') ? <><Button onClick={() => setRuling(true)} data-testid="receipt-policy">{say('policy')}</Button><a href="/api/v1/receipt-template.xlsx" download><Button>{say('template')}</Button></a><Button onClick={() => setPulling(true)} data-testid="receipt-pull">{say('pull')}</Button><Button loading={rematch.busy} onClick={() => void rematch.run({ path: '/receipt-files/rematch' })}>{say('rematch')}</Button><UploadButton /></> : null} />
      <div className="tiles">
        {statuses.map((status) => (
          <Card key={status} size="small"><Statistic title={say(status)} value={count(of(status).reduce((sum, one) => sum + one.receipts, 0), lang)} suffix={<span className="muted num" style={{ fontSize: 13 }}>{sums(status)}</span>} /></Card>
        ))}
      </div>
      <Tabs activeKey={tab} onChange={(key) => setUrl({ tab: key })} items={[
        { key: 'exception', label: say('exception'), children: <ReceiptTable name="receipt-exceptions" status="exception" /> },
        { key: 'all', label: say('receipts'), children: <ReceiptTable name="receipts" prefix="a" /> },
        { key: 'files', label: say('files'), children: <Files /> },
        { key: 'statements', label: say('statements'), children: <Statements /> },
      ]} />
      {ruling ? <PolicyForm onClose={() => setRuling(false)} /> : null}
      {pulling ? <PullForm onClose={() => setPulling(false)} /> : null}
    </div>
  )
}
