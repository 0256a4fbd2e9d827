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

type Webhook = { id: string; name?: string; url: string; types: string[] | null; active: boolean; created_at: string }

export default function Webhooks() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const { modal } = App.useApp()
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState<string>()
  const remove = useAction({ stale: ['/webhooks'] })
  return (
    <div className="page">
      <PageHeader title={say('webhooks')} hint={say('webhooksHint')} actions={may('webhook.manage') ? <Button type="primary" onClick={() => setAdding(true)}>{say('addWebhook')}</Button> : null} />
      <DataTable<Webhook>
        name="webhooks"
        path="/webhooks"
        rowKey={(row) => row.id}
        empty={{ text: say('noWebhooks') }}
        columns={[
          { key: 'url', title: say('url'), text: (row) => row.url, render: (row) => <span className="mono">{row.url}</span> },
          { key: 'events', title: say('events'), text: (row) => (row.types ?? []).join(' ') || '*', render: (row) => <span className="mono">{(row.types ?? []).join(' ') || '*'}</span> },
          { key: 'status', title: say('status'), text: (row) => (row.active ? say('active') : say('disabled')), render: (row) => <StateTag text={row.active ? say('active') : say('disabled')} tone={row.active ? 'good' : 'bad'} /> },
          { key: 'created', title: say('created'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
          { key: 'act', title: '', render: (row) => (may('webhook.manage') ? <Button size="small" type="link" danger onClick={() => modal.confirm({ title: say('removeSure', { url: row.url }), okText: say('remove'), okButtonProps: { danger: true }, onOk: () => remove.run({ path: `/webhooks/${row.id}`, method: 'DELETE' }) })}>{say('remove')}</Button> : null) },
        ]}
      />
      {adding ? (
        <FormModal<{ url: string; types?: string[] }, { secret: string }> title={say('addWebhook')} onClose={() => setAdding(false)} stale={['/webhooks']} onDone={(made) => setSecret(made.secret)} act={(values) => ({ path: '/webhooks', body: { url: values.url, types: values.types ?? [] } })}>
          <Form.Item name="url" label={say('url')} rules={[{ required: true, type: 'url', message: say('required') }]}><Input maxLength={500} placeholder="https://" /></Form.Item>
          <Form.Item name="types" label={say('events')} extra={say('eventsHint')}><Select mode="tags" tokenSeparators={[',', ' ']} maxCount={50} /></Form.Item>
        </FormModal>
      ) : null}
      <SecretOnce secret={secret} onClose={() => setSecret(undefined)} />
    </div>
  )
}
