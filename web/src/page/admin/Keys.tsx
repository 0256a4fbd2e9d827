import { Alert, App, Button, DatePicker, Form, Input, Modal, Select, Typography } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction, useGet, type Page } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useMay, useSession } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant, StateTag } from '../../widget/values'
import type { Permission } from './choices'
import { adminWords } from './words'

type ApiKey = { id: string; user_id: string; login: string; name: string; prefix: string; scopes: string[] | null; expires_at?: string; used_at?: string; revoked_at?: string }
type Fields = { name: string; scopes: string[]; expires: Dayjs }

export default function Keys() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const session = useSession()
  const { modal } = App.useApp()
  const [adding, setAdding] = useState(false)
  const [secret, setSecret] = useState<string>()
  const permissions = useGet<Page<Permission>>(adding ? '/permissions' : undefined, { limit: 200 })
  const revoke = useAction({ stale: ['/api-keys'], done: say('revoked') })
  const must = [{ required: true, message: say('required') }]
  return (
    <div className="page">
      <PageHeader title={say('keys')} hint={say('keysHint')} actions={<Button type="primary" onClick={() => setAdding(true)}>{say('addKey')}</Button>} />
      <DataTable<ApiKey>
        name="api-keys"
        path="/api-keys"
        rowKey={(key) => key.id}
        empty={{ text: say('noKeys') }}
        columns={[
          { key: 'name', title: say('name'), text: (key) => key.name },
          { key: 'login', title: say('login'), text: (key) => key.login },
          { key: 'prefix', title: say('prefix'), text: (key) => key.prefix, render: (key) => <span className="mono">{key.prefix}…</span> },
          { key: 'scopes', title: say('scopes'), text: (key) => (key.scopes ?? []).join(' '), render: (key) => <span className="mono">{(key.scopes ?? []).slice(0, 4).join(' ')} {(key.scopes ?? []).length > 4 ? say('more', { n: key.scopes!.length }) : ''}</span> },
          { key: 'status', title: say('status'), text: (key) => (key.revoked_at ? say('revoked') : say('active')), render: (key) => <StateTag text={key.revoked_at ? say('revoked') : say('active')} tone={key.revoked_at ? 'bad' : 'good'} /> },
          { key: 'expires', title: say('expires'), text: (key) => instant(key.expires_at, lang), render: (key) => <Instant at={key.expires_at} /> },
          { key: 'used', title: say('lastUsed'), text: (key) => instant(key.used_at, lang), render: (key) => <Instant at={key.used_at} /> },
          { key: 'act', title: '', render: (key) => (key.revoked_at || (key.user_id !== session.user_id && !may('api_key.manage')) ? null : <Button size="small" type="link" danger onClick={() => modal.confirm({ title: say('revokeSure', { name: key.name }), okText: say('revoke'), okButtonProps: { danger: true }, onOk: () => revoke.run({ path: `/api-keys/${key.id}`, method: 'DELETE' }) })}>{say('revoke')}</Button>) },
        ]}
      />
      {adding ? (
        <FormModal<Fields, { secret: string }> title={say('addKey')} onClose={() => setAdding(false)} stale={['/api-keys']} initial={{ expires: dayjs().add(1, 'year') }} onDone={(made) => setSecret(made.secret)} act={({ name, scopes, expires }) => ({ path: '/api-keys', body: { name, scopes, expires_at: expires.toISOString() } })}>
          <Form.Item name="name" label={say('name')} rules={must}><Input maxLength={64} /></Form.Item>
          <Form.Item name="scopes" label={say('scopes')} rules={must}><Select mode="multiple" showSearch={{ optionFilterProp: 'label' }} options={(permissions.data?.items ?? []).filter((one) => may(one.code)).map((one) => ({ value: one.code, label: `${both(lang, one.zh, one.en)} (${one.code})` }))} /></Form.Item>
          <Form.Item name="expires" label={say('expires')} rules={must}><DatePicker style={{ width: '100%' }} /></Form.Item>
        </FormModal>
      ) : null}
      <SecretOnce secret={secret} onClose={() => setSecret(undefined)} />
    </div>
  )
}

/** Shows a secret that the server will never say again. */
export function SecretOnce({ secret, onClose }: { secret: string | undefined; onClose: () => void }) {
  const say = useWords(adminWords)
  return (
    <Modal open={secret !== undefined} title={say('secret')} onCancel={onClose} onOk={onClose} mask={{ closable: false }} cancelButtonProps={{ hidden: true }}>
      <Alert type="warning" showIcon title={say('secretOnce')} style={{ marginBottom: 12 }} />
      <Typography.Paragraph copyable className="mono">{secret}</Typography.Paragraph>
    </Modal>
  )
}
