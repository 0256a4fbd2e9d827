import InboxOutlined from '@ant-design/icons/InboxOutlined'
import { Alert, Card, Checkbox, Descriptions, Input, Progress, Select, Table, Tag, Upload as Dropzone } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { newKey, upload } from '../../api/client'
import { useAction } from '../../api/hooks'
import { asProblem } from '../../api/problem'
import { useProblemToast } from '../../api/toast'
import { useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { PageHeader } from '../../widget/PageHeader'
import { StepsForm } from '../../widget/StepsForm'
import { DateText, Money, useText } from '../../widget/values'
import { ColumnMapping } from './ColumnMapping'
import { useKind } from './Imports'
import type { Batch, Options, Preview, PreviewFirm, PreviewInvoice, Upload } from './types'
import { intakeWords } from './words'

export function bytes(size: number): string {
  return size < 1 << 20 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / (1 << 20)).toFixed(1)} MiB`
}

function FileStep({ file, onFile }: { file: Upload | undefined; onFile: (file: Upload) => void }) {
  const say = useWords(intakeWords)
  const toast = useProblemToast()
  const [progress, setProgress] = useState<number>()
  const stop = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const send = async (chosen: File) => {
    stop.current?.abort()
    stop.current = new AbortController()
    const form = new FormData()
    form.append('file', chosen, chosen.name)
    setProgress(0)
    try {
      onFile({ ...(await upload<Upload>('/uploads', form, newKey(), (done, total) => setProgress(total > 0 ? Math.round((done / total) * 100) : 0), stop.current.signal)), name: chosen.name })
    } catch (error) {
      if (!(error instanceof DOMException)) toast(asProblem(error))
    } finally {
      setProgress(undefined)
    }
  }
  return (
    <div className="stack">
      <Dropzone.Dragger accept=".csv,.gz,.xlsx,.txt" multiple={false} showUploadList={false} beforeUpload={(chosen) => { void send(chosen); return false }} disabled={progress !== undefined}>
        <p className="ant-upload-drag-icon"><InboxOutlined /></p>
        <p>{say('drop')}</p>
        <p className="muted">{say('dropHint')}</p>
      </Dropzone.Dragger>
      {progress !== undefined ? <div>{say('uploading')}<Progress percent={progress} status="active" /></div> : null}
      {file && progress === undefined ? <Alert type="success" showIcon title={file.name} description={say('uploaded', { size: bytes(file.size) })} /> : null}
    </div>
  )
}

function Sample({ preview }: { preview: Preview }) {
  const say = useWords(intakeWords)
  if (preview.kind === 'firms') {
    return (
      <Table<PreviewFirm> size="small" rowKey="line" pagination={false} dataSource={preview.firms} scroll={{ x: 'max-content' }} columns={[
        { title: say('line'), dataIndex: 'line' }, { title: say('code'), dataIndex: 'code' }, { title: say('name'), dataIndex: 'name' }, { title: 'USCC', dataIndex: 'uscc', className: 'mono' },
        { title: say('label'), render: (_, row) => (row.labelled ? (row.defaulted ? say('yes') : say('no')) : '—') },
      ]} />
    )
  }
  return (
    <Table<PreviewInvoice> size="small" rowKey="line" pagination={false} dataSource={preview.invoices} scroll={{ x: 'max-content' }} columns={[
      { title: say('line'), dataIndex: 'line' }, { title: say('firm'), dataIndex: 'firm' }, { title: say('number'), dataIndex: 'number', className: 'mono' },
      { title: say('date'), render: (_, row) => <DateText date={row.date} /> }, { title: say('counterparty'), dataIndex: 'counterparty' },
      { title: say('net'), align: 'right', render: (_, row) => <Money minor={row.net_minor} /> }, { title: say('tax'), align: 'right', render: (_, row) => <Money minor={row.tax_minor} /> }, { title: say('gross'), align: 'right', render: (_, row) => <Money minor={row.gross_minor} /> },
      { title: say('state'), render: (_, row) => <>{row.void ? <Tag color="red">{say('void')}</Tag> : null}{row.red ? <Tag color="orange">{say('red')}</Tag> : null}{row.duplicate ? <Tag>{say('duplicate')}</Tag> : null}{row.mismatch ? <Tag>{say('mismatch')}</Tag> : null}</> },
    ]} />
  )
}

function PreviewStep({ preview, options, onOptions }: { preview: Preview | undefined; options: Options; onOptions: (options: Options) => void }) {
  const say = useWords(intakeWords)
  const text = useText()
  const kind = useKind()
  return (
    <div className="stack">
      <div className="row">
        <Select value={options.kind ?? ''} onChange={(value: string) => onOptions({ ...options, kind: value, columns: {} })} aria-label={say('kind')} options={[{ value: '', label: `${say('kind')}：${say('auto')}` }, { value: 'firms', label: say('firms') }, { value: 'invoices', label: say('invoices') }]} style={{ minWidth: 150 }} />
        <Select value={options.direction ?? ''} onChange={(value: string) => onOptions({ ...options, direction: value })} aria-label={say('direction')} options={[{ value: '', label: `${say('direction')}：${say('auto')}` }, { value: 'sale', label: say('sale') }, { value: 'purchase', label: say('purchase') }]} style={{ minWidth: 150 }} />
        <Input value={options.firm_code ?? ''} onChange={(event) => onOptions({ ...options, firm_code: event.target.value })} placeholder={say('firmCode')} title={say('firmCodeHint')} maxLength={64} style={{ width: 220 }} />
        <Checkbox checked={options.create_missing ?? false} onChange={(event) => onOptions({ ...options, create_missing: event.target.checked })}>{say('createMissing')}</Checkbox>
      </div>
      {preview ? (
        <>
          {preview.same_as ? <Alert type="info" showIcon title={say('sameAs')} /> : null}
          <Descriptions size="small" column={{ xs: 1, sm: 3 }} items={[
            { key: 'kind', label: say('recognised'), children: kind(preview.kind, preview.direction) },
            { key: 'format', label: say('format'), children: preview.format },
            { key: 'encoding', label: say('encoding'), children: preview.encoding },
          ]} />
          <ColumnMapping preview={preview} own={options.columns ?? {}} onChange={(columns) => onOptions({ ...options, columns })} />
          {preview.problems.length > 0 ? <Alert type="warning" showIcon title={say('problems')} description={preview.problems.slice(0, 8).map((row, index) => <div key={index}>{say('line')} {row.line} · {row.column} “{row.value}” — {text(row.message)} {text(row.remedy)}</div>)} /> : null}
          {preview.missing.length > 0 ? <div className="muted">{say('nothingRead')}</div> : <Sample preview={preview} />}
        </>
      ) : null}
    </div>
  )
}

/** Upload, look, run: nothing is written before the person has seen how the file was understood. */
export default function ImportWizard() {
  const say = useWords(intakeWords)
  const go = useGo()
  const [file, setFile] = useState<Upload>()
  const [preview, setPreview] = useState<Preview>()
  const [options, setOptions] = useState<Options>({ create_missing: true })
  const look = useAction<Preview>()
  const start = useAction<Batch>({ stale: ['/imports', '/jobs', '/firms'], onDone: (batch) => go(`/imports/${batch.id}`) })
  const body = (chosen: Upload, how: Options) => ({ file_hash: chosen.hash, file_name: chosen.name, ...Object.fromEntries(Object.entries(how).filter(([, value]) => value !== '' && value !== undefined && !(typeof value === 'object' && Object.keys(value).length === 0))) })
  const show = async (how: Options): Promise<boolean> => {
    if (!file) return false
    const found = await look.run({ path: '/imports/preview', body: body(file, how) })
    if (found) setPreview(found)
    return found !== undefined
  }
  const change = (how: Options) => {
    setOptions(how)
    void show(how)
  }
  return (
    <div className="page">
      <PageHeader title={say('add')} hint={say('importsHint')} crumbs={[{ text: say('imports'), href: '/imports' }, { text: say('add') }]} />
      <Card>
        <StepsForm
          busy={look.busy || start.busy}
          steps={[
            { key: 'file', title: say('stepFile'), ready: file !== undefined, onNext: () => show(options), body: <FileStep file={file} onFile={(chosen) => { setFile(chosen); setPreview(undefined); setOptions(({ columns: _, ...rest }) => rest) }} /> },
            { key: 'preview', title: say('stepPreview'), ready: preview !== undefined && preview.missing.length === 0, onNext: async () => (await start.run({ path: '/imports', body: body(file!, options) })) !== undefined, body: <PreviewStep preview={preview} options={options} onOptions={change} /> },
          ]}
        />
      </Card>
    </div>
  )
}
