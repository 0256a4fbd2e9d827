import { Button, Form, Input, Tag } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { Instant } from '../../widget/values'
import { adminWords } from './words'

type DeadLetter = { id: string; consumer: string; tries: number; error: string; at: string; behind: number; event: { id: string; type: string; aggregate: string; aggregate_id: string; damage?: string } }

export default function DeadLetters() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const [dropping, setDropping] = useState<DeadLetter>()
  const requeue = useAction({ stale: ['/dead-letters'], done: say('requeued') })
  return (
    <div className="page">
      <PageHeader title={say('dead')} hint={say('deadHint')} />
      <DataTable<DeadLetter>
        name="dead-letters"
        path="/dead-letters"
        rowKey={(row) => row.id}
        empty={{ text: say('noDead') }}
        columns={[
          { key: 'consumer', title: say('consumer'), text: (row) => row.consumer },
          { key: 'type', title: say('type'), text: (row) => row.event.type, render: (row) => (row.event.damage ? <Tag color="error">{say('damaged')}</Tag> : <span className="mono">{row.event.type}</span>) },
          { key: 'error', title: say('error'), text: (row) => row.error, render: (row) => <div style={{ maxWidth: 480 }}>{row.error}</div> },
          { key: 'tries', title: say('tries'), numeric: true, text: (row) => String(row.tries) },
          { key: 'behind', title: say('behind'), numeric: true, text: (row) => String(row.behind) },
          { key: 'at', title: say('at'), text: (row) => instant(row.at, lang), render: (row) => <Instant at={row.at} /> },
          { key: 'act', title: '', render: (row) => (may('event.operate') ? <div className="row"><Button size="small" loading={requeue.busy} onClick={() => void requeue.run({ path: `/dead-letters/${row.id}/requeue` })}>{say('requeue')}</Button><Button size="small" danger onClick={() => setDropping(row)}>{say('discard')}</Button></div> : null) },
        ]}
      />
      {dropping ? (
        <FormModal<{ reason: string }> title={say('discard')} danger onClose={() => setDropping(undefined)} stale={['/dead-letters']} act={(values) => ({ path: `/dead-letters/${dropping.id}/discard`, body: values })}>
          <Form.Item name="reason" label={say('discardWhy')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={1000} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
