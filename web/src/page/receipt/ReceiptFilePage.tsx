import { Alert, Button, Card, Statistic, Table } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useId } from '../../shell/go'
import { JobFollow } from '../../shell/JobBar'
import { Async } from '../../widget/Async'
import { count, money } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { useText } from '../../widget/values'
import { ReceiptState, ReceiptTable } from './Receipts'
import type { BadRow, ReceiptFileDetail } from './types'
import { receiptWords } from './words'

const shown = 200

function BadRows({ id, total }: { id: string; total: number }) {
  const say = useWords(receiptWords)
  const text = useText()
  const rows = useGet<{ items: BadRow[] }>(`/receipt-files/${id}/bad-rows`, { limit: shown })
  return (
    <Card size="small" title={`${say('bad')} ${total}`} extra={<Button href={`/api/v1/receipt-files/${id}/bad-rows.xlsx`} type="primary" data-testid="bad-rows">{say('downloadBad')}</Button>}>
      <Async of={rows}>
        {(data) => (
          <Table<BadRow> size="small" pagination={false} dataSource={data.items} rowKey={(row) => `${row.line}${row.column}${row.code}`} scroll={{ x: 'max-content', y: 360 }} {...(total > shown ? { footer: () => <span className="muted">{say('moreBad')}</span> } : {})} columns={[
            { title: say('line'), dataIndex: 'line', align: 'right', className: 'num' },
            { title: say('column'), dataIndex: 'column' },
            { title: say('value'), dataIndex: 'value', className: 'mono' },
            { title: say('problem'), render: (_, row) => text(row.message) },
            { title: say('remedy'), render: (_, row) => <span className="muted">{text(row.remedy)}</span> },
          ]} />
        )}
      </Async>
    </Card>
  )
}

export default function ReceiptFilePage() {
  const say = useWords(receiptWords)
  const lang = useLang()
  const text = useText()
  const id = useId()
  const found = useGet<ReceiptFileDetail>(`/receipt-files/${id}`, undefined, { every: (file) => (file === undefined || file.status === 'running' ? 1000 : false) })
  return (
    <div className="page">
      <Async of={found}>
        {(file) => (
          <>
            <PageHeader title={file.name} tag={<ReceiptState status={file.status} />} crumbs={[{ text: say('receipts'), href: '/receipts?tab=files' }, { text: file.id }]} />
            {file.job_id && file.status !== 'refused' ? <JobFollow id={file.job_id} /> : null}
            {file.status === 'refused' ? <Alert type="error" showIcon title={say('refused')} description={text(file.problem)} /> : null}
            <div className="tiles">
              <Card size="small"><Statistic title={say('fresh')} value={count(file.receipts, lang)} /></Card>
              <Card size="small"><Statistic title={say('amount')} value={file.currency ? money(file.amount_minor, file.currency) : say('several')} /></Card>
              <Card size="small"><Statistic title={<span title={say('repeatsHint')}>{say('repeats')}</span>} value={count(file.repeats, lang)} /></Card>
              <Card size="small"><Statistic title={say('bad')} value={count(file.bad, lang)} /></Card>
              {file.kind === 'bank' ? <Card size="small"><Statistic title={say('skipped')} value={count(file.skipped, lang)} /></Card> : null}
              {file.counts.map((one) => <Card key={one.status + one.currency} size="small"><Statistic title={say(one.status)} value={count(one.receipts, lang)} suffix={<span className="muted num" style={{ fontSize: 13 }}>{money(one.amount_minor, one.currency)}</span>} /></Card>)}
            </div>
            {file.bad > 0 ? <BadRows id={file.id} total={file.bad} /> : null}
            <ReceiptTable name="receipts-of-file" fixed={{ file_id: file.id }} />
          </>
        )}
      </Async>
    </div>
  )
}
