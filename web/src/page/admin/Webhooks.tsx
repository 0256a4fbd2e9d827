import { App, Button, Form, Input, Select } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, StateTag } from '../../widget/values'
import { SecretOnce } from './Keys'
import { adminWords } from './words'

type Webhook = { id: string; url: string; description: string; event_types: string[]; state: string; failures: number; disabled_reason?: string; created_at: string }
type Delivery = { id: string; event_type: string; state: string; tries: number; response_code: number; error?: string; created_at: string }

export default function Webhooks() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const { modal } = App.useApp()
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState<string>()
  const remove = useAction({ stale: ['/webhooks'] })
  const reveal = useAction<{ secret: string }>({ method: 'GET', onDone: (found) => setSecret(found.secret) })
  const stateText = (state: string) => (state === 'active' ? say('active') : state === 'paused' ? say('paused') : say('disabled'))
  return (
    <div className="page">
      <PageHeader title={say('webhooks')} hint={say('webhooksHint')} actions={may('webhook.manage') ? <Button type="primary" onClick={() => setAdding(true)}>{say('addWebhook')}</Button> : null} />
      <DataTable<Webhook>
        name="webhooks"
        path="/webhooks"
        rowKey={(row) => row.id}
        empty={{ text: say('noWebhooks') }}
        expand={(row) => <Deliveries id={row.id} />}
        columns={[
          { key: 'url', title: say('url'), text: (row) => row.url, render: (row) => <span className="mono">{row.url}</span> },
          { key: 'events', title: say('events'), text: (row) => row.event_types.join(' '), render: (row) => <span className="mono">{row.event_types.join(' ')}</span> },
          { key: 'status', title: say('status'), text: (row) => stateText(row.state), render: (row) => <StateTag text={stateText(row.state)} tone={row.state === 'active' ? 'good' : 'bad'} /> },
          { key: 'created', title: say('created'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
          { key: 'act', title: '', render: (row) => (may('webhook.manage') ? <><Button size="small" type="link" onClick={() => void reveal.run({ path: `/webhooks/${row.id}/secret` })}>{say('reveal')}</Button><Button size="small" type="link" danger onClick={() => modal.confirm({ title: say('removeSure', { url: row.url }), okText: say('remove'), okButtonProps: { danger: true }, onOk: () => remove.run({ path: `/webhooks/${row.id}`, method: 'DELETE' }) })}>{say('remove')}</Button></> : null) },
        ]}
      />
      {adding ? (
        <FormModal<{ url: string; description?: string; event_types: string[] }> title={say('addWebhook')} onClose={() => setAdding(false)} stale={['/webhooks']} done={say('saved')} initial={{ event_types: ['*'] }} act={(values) => ({ path: '/webhooks', body: values })}>
          <Form.Item name="url" label={say('url')} rules={[{ required: true, type: 'url', message: say('required') }]}><Input maxLength={500} placeholder="https://" /></Form.Item>
          <Form.Item name="description" label={say('description')}><Input maxLength={200} /></Form.Item>
          <Form.Item name="event_types" label={say('events')} extra={say('eventsHint')} rules={[{ required: true, message: say('required') }]}><Select mode="tags" tokenSeparators={[',', ' ']} maxCount={50} /></Form.Item>
        </FormModal>
      ) : null}
      <SecretOnce secret={secret} onClose={() => setSecret(undefined)} />
    </div>
  )
}

function Deliveries({ id }: { id: string }) {
  const say = useWords(adminWords)
  const lang = useLang()
  const again = useAction({ stale: [`/webhooks/${id}`] })
  const names: Record<string, string> = { delivered: say('delivered'), failed: say('failedDelivery'), pending: say('waiting') }
  return (
    <DataTable<Delivery>
      name="deliveries"
      prefix={`${id.slice(-6)}_`}
      path={`/webhooks/${id}/deliveries`}
      rowKey={(row) => row.id}
      columns={[
        { key: 'at', title: say('at'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
        { key: 'type', title: say('type'), text: (row) => row.event_type, render: (row) => <span className="mono">{row.event_type}</span> },
        { key: 'state', title: say('status'), text: (row) => names[row.state] ?? row.state, render: (row) => <StateTag text={names[row.state] ?? row.state} tone={row.state === 'delivered' ? 'good' : row.state === 'failed' ? 'bad' : 'busy'} /> },
        { key: 'tries', title: say('tries'), numeric: true, text: (row) => String(row.tries) },
        { key: 'code', title: say('response'), text: (row) => `${row.response_code || ''} ${row.error ?? ''}` },
        { key: 'act', title: '', render: (row) => <Button size="small" loading={again.busy} onClick={() => void again.run({ path: `/webhooks/${id}/deliveries/${row.id}/redeliver` })}>{say('redeliver')}</Button> },
      ]}
    />
  )
}
