import { Button, Form, Input, Select } from 'antd'
import { useState } from 'react'
import { useLang, useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { StateTag } from '../../widget/values'
import { BranchSelect, useRoles } from './choices'
import { roleName } from './roleWords'
import { adminWords } from './words'

export type User = { id: string; login: string; kind: string; name: string; email?: string; branch_id: string; branch_path: string; branch_name: string; lang: string; status: string; roles: string[] | null; totp_enabled: boolean; must_change: boolean; signed_in_at?: string; version: number }
type NewUser = { login: string; name: string; email?: string; password: string; branch_id: string; roles: string[]; lang: string }
type Dialog = { kind: 'new' } | { kind: 'edit' | 'grant' | 'password'; user: User }

function NewUserForm({ onClose }: { onClose: () => void }) {
  const say = useWords(adminWords)
  const roles = useRoles()
  const must = [{ required: true, message: say('required') }]
  return (
    <FormModal<NewUser> title={say('addUser')} onClose={onClose} initial={{ lang: 'zh' }} stale={['/users', '/proposals']} done={say('proposed')} act={(values) => ({ path: '/users', body: values })}>
      <Form.Item name="login" label={say('login')} rules={must}><Input maxLength={64} autoComplete="off" /></Form.Item>
      <Form.Item name="name" label={say('name')} rules={must}><Input maxLength={100} /></Form.Item>
      <Form.Item name="password" label={say('password')} extra={say('passwordHint')} rules={[{ required: true, min: 12, message: say('passwordHint') }]}><Input.Password maxLength={256} autoComplete="new-password" /></Form.Item>
      <Form.Item name="branch_id" label={say('branch')} rules={must}><BranchSelect /></Form.Item>
      <Form.Item name="roles" label={say('roles')} rules={must}><Select mode="multiple" options={roles} /></Form.Item>
      <LangField />
    </FormModal>
  )
}

function LangField() {
  const say = useWords(adminWords)
  return <Form.Item name="lang" label={say('lang')}><Select options={[{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }]} /></Form.Item>
}

/** Particulars change at once; rights only as a proposal that another person approves. */
function ChangeForm({ kind, user, onClose }: { kind: 'edit' | 'grant' | 'password'; user: User; onClose: () => void }) {
  const say = useWords(adminWords)
  const roles = useRoles()
  const must = [{ required: true, message: say('required') }]
  if (kind === 'grant') {
    return (
      <FormModal<{ roles: string[]; branch_id: string; note?: string }> title={`${say('grant')} · ${user.name}`} onClose={onClose} initial={{ roles: user.roles ?? [], branch_id: user.branch_id }} stale={['/users', '/proposals']} done={say('proposed')} act={(values) => ({ path: `/users/${user.id}/grant`, body: values })}>
        <Form.Item name="roles" label={say('roles')}><Select mode="multiple" options={roles} /></Form.Item>
        <Form.Item name="branch_id" label={say('branch')} rules={must}><BranchSelect /></Form.Item>
        <Form.Item name="note" label={say('note')}><Input maxLength={1000} /></Form.Item>
      </FormModal>
    )
  }
  if (kind === 'password') {
    return (
      <FormModal<{ password: string }> title={`${say('resetPassword')} · ${user.name}`} onClose={onClose} done={say('saved')} act={(values) => ({ path: `/users/${user.id}/password`, body: values })}>
        <Form.Item name="password" label={say('password')} extra={say('passwordHint')} rules={[{ required: true, min: 12, message: say('passwordHint') }]}><Input.Password maxLength={256} autoComplete="new-password" /></Form.Item>
      </FormModal>
    )
  }
  return (
    <FormModal<{ name: string; email?: string; lang: string; status: string }> title={`${say('edit')} · ${user.name}`} onClose={onClose} initial={{ name: user.name, ...(user.email ? { email: user.email } : {}), lang: user.lang, status: user.status }} stale={['/users']} done={say('saved')} act={(values) => ({ path: `/users/${user.id}`, method: 'PUT', body: values, etag: `"${user.version}"` })}>
      <Form.Item name="name" label={say('name')} rules={must}><Input maxLength={100} /></Form.Item>
      <LangField />
      <Form.Item name="status" label={say('status')}><Select options={(['active', 'disabled'] as const).map((value) => ({ value, label: say(value) }))} /></Form.Item>
    </FormModal>
  )
}

export default function Users() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const [dialog, setDialog] = useState<Dialog>()
  const close = () => setDialog(undefined)
  const statusText = (status: string) => (status === 'active' ? say('active') : say('disabled'))
  return (
    <div className="page">
      <PageHeader title={say('users')} hint={say('usersHint')} actions={may('user.manage') ? <Button type="primary" onClick={() => setDialog({ kind: 'new' })}>{say('addUser')}</Button> : null} />
      <DataTable<User>
        name="users"
        path="/users"
        rowKey={(user) => user.id}
        empty={{ text: say('noUsers') }}
        filters={[{ kind: 'text', name: 'q', label: say('name') }, { kind: 'choice', name: 'status', label: say('status'), options: (['active', 'disabled'] as const).map((value) => ({ value, label: say(value) })) }]}
        columns={[
          { key: 'login', title: say('login'), text: (user) => user.login },
          { key: 'name', title: say('name'), text: (user) => user.name },
          { key: 'roles', title: say('roles'), text: (user) => (user.roles ?? []).map((role) => roleName(lang, role)).join(lang === 'zh' ? '、' : ', ') },
          { key: 'branch', title: say('branch'), text: (user) => user.branch_name || user.branch_path },
          { key: 'totp', title: say('totp'), text: (user) => (user.totp_enabled ? say('on') : say('off')), render: (user) => <StateTag text={user.totp_enabled ? say('on') : say('off')} tone={user.totp_enabled ? 'good' : 'plain'} /> },
          { key: 'status', title: say('status'), text: (user) => statusText(user.status), render: (user) => <StateTag text={statusText(user.status)} tone={user.status === 'active' ? 'good' : 'bad'} /> },
          { key: 'used', title: say('signedIn'), text: (user) => instant(user.signed_in_at, lang) },
          { key: 'act', title: '', render: (user) => (may('user.manage') ? <div className="row" style={{ gap: 0 }}><Button size="small" type="link" onClick={() => setDialog({ kind: 'edit', user })}>{say('edit')}</Button><Button size="small" type="link" onClick={() => setDialog({ kind: 'grant', user })}>{say('grant')}</Button><Button size="small" type="link" onClick={() => setDialog({ kind: 'password', user })}>{say('resetPassword')}</Button></div> : null) },
        ]}
      />
      {dialog?.kind === 'new' ? <NewUserForm onClose={close} /> : dialog ? <ChangeForm kind={dialog.kind} user={dialog.user} onClose={close} /> : null}
    </div>
  )
}
