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

export type User = { id: string; login: string; name: string; branch_id: string; branch_path?: string; branch_name?: string; roles: string[] | null; lang: string; status: string; totp_enabled: boolean; last_login_at?: string; version?: number }
type Fields = { login: string; name: string; password: string; branch_id: string; roles: string[]; lang: string; status: string }

function UserFields({ isNew }: { isNew: boolean }) {
  const say = useWords(adminWords)
  const roles = useRoles()
  const must = [{ required: true, message: say('required') }]
  return (
    <>
      {isNew ? <Form.Item name="login" label={say('login')} rules={must}><Input maxLength={64} autoComplete="off" /></Form.Item> : null}
      <Form.Item name="name" label={say('name')} rules={must}><Input maxLength={64} /></Form.Item>
      {isNew ? <Form.Item name="password" label={say('password')} extra={say('passwordHint')} rules={[{ required: true, min: 12, message: say('passwordHint') }]}><Input.Password maxLength={256} autoComplete="new-password" /></Form.Item> : null}
      <Form.Item name="branch_id" label={say('branch')} rules={must}><BranchSelect /></Form.Item>
      <Form.Item name="roles" label={say('roles')} rules={must}><Select mode="multiple" options={roles} /></Form.Item>
      <Form.Item name="lang" label={say('lang')}><Select options={[{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }]} /></Form.Item>
      {isNew ? null : <Form.Item name="status" label={say('status')}><Select options={(['active', 'disabled'] as const).map((value) => ({ value, label: say(value) }))} /></Form.Item>}
    </>
  )
}

export default function Users() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const [editing, setEditing] = useState<User | 'new'>()
  const statusText = (status: string) => (status === 'active' ? say('active') : status === 'disabled' ? say('disabled') : status === 'locked' ? say('locked') : status)
  return (
    <div className="page">
      <PageHeader title={say('users')} hint={say('usersHint')} actions={may('user.manage') ? <Button type="primary" onClick={() => setEditing('new')}>{say('addUser')}</Button> : null} />
      <DataTable<User>
        name="users"
        path="/users"
        rowKey={(user) => user.id}
        empty={{ text: say('noUsers') }}
        columns={[
          { key: 'login', title: say('login'), text: (user) => user.login },
          { key: 'name', title: say('name'), text: (user) => user.name },
          { key: 'roles', title: say('roles'), text: (user) => (user.roles ?? []).map((role) => roleName(lang, role)).join(', ') },
          { key: 'branch', title: say('branch'), text: (user) => user.branch_name ?? user.branch_path ?? user.branch_id },
          { key: 'totp', title: say('totp'), text: (user) => (user.totp_enabled ? say('on') : say('off')), render: (user) => <StateTag text={user.totp_enabled ? say('on') : say('off')} tone={user.totp_enabled ? 'good' : 'plain'} /> },
          { key: 'status', title: say('status'), text: (user) => statusText(user.status), render: (user) => <StateTag text={statusText(user.status)} tone={user.status === 'active' ? 'good' : 'bad'} /> },
          { key: 'used', title: say('lastUsed'), extra: true, text: (user) => instant(user.last_login_at, lang) },
          { key: 'act', title: '', render: (user) => (may('user.manage') ? <Button size="small" type="link" onClick={() => setEditing(user)}>{say('edit')}</Button> : null) },
        ]}
      />
      {editing === 'new' ? (
        <FormModal<Fields> title={say('addUser')} onClose={() => setEditing(undefined)} initial={{ lang: 'zh' }} stale={['/users', '/proposals']} done={say('saved')} act={(values) => ({ path: '/users', body: values })}><UserFields isNew /></FormModal>
      ) : editing ? (
        <FormModal<Fields> title={say('edit')} onClose={() => setEditing(undefined)} initial={{ ...editing, roles: editing.roles ?? [] }} stale={['/users', '/proposals']} done={say('saved')} act={(values) => ({ path: `/users/${editing.id}`, method: 'PATCH', body: values })}><UserFields isNew={false} /></FormModal>
      ) : null}
    </div>
  )
}

