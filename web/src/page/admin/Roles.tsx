import { Button, Form, Input, Select, Tag } from 'antd'
import { useState } from 'react'
import { useGet, type Page } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both } from '../../widget/values'
import type { Permission, Role } from './choices'
import { roleName } from './roleWords'
import { adminWords } from './words'

type Fields = { code: string; name: string; name_en: string; permissions: string[]; note?: string }

export default function Roles() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const [editing, setEditing] = useState<Role | 'new'>()
  const permissions = useGet<Page<Permission>>('/permissions', { limit: 200 })
  const permissionName = (code: string) => { const found = permissions.data?.items?.find((one) => one.code === code); return found ? both(lang, found.zh, found.en) : code }
  const name = (role: Role) => both(lang, role.name, role.name_en) || roleName(lang, role.code)
  const must = [{ required: true, message: say('required') }]
  return (
    <div className="page">
      <PageHeader title={say('rolesTitle')} hint={say('rolesHint')} actions={may('role.manage') ? <Button type="primary" onClick={() => setEditing('new')}>{say('addRole')}</Button> : null} />
      <DataTable<Role>
        name="roles"
        path="/roles"
        rowKey={(role) => role.code}
        empty={{ text: say('noRoles') }}
        columns={[
          { key: 'name', title: say('name'), text: name, render: (role) => <b style={{ whiteSpace: 'nowrap' }}>{name(role)}</b> },
          { key: 'code', title: say('code'), text: (role) => role.code, render: (role) => <span className="mono">{role.code}</span> },
          { key: 'builtin', title: say('builtin'), text: (role) => (role.builtin ? say('yes') : say('no')) },
          { key: 'permissions', title: say('permissions'), text: (role) => (role.permissions ?? []).join(' '), render: (role) => <div className="row" style={{ gap: 4, maxWidth: 760 }}>{(role.permissions ?? []).map((code) => <Tag key={code} title={code} style={{ marginInlineEnd: 0 }}>{permissionName(code)}</Tag>)}</div> },
          { key: 'act', title: '', render: (role) => (may('role.manage') && !role.builtin ? <Button type="link" size="small" onClick={() => setEditing(role)}>{say('edit')}</Button> : null) },
        ]}
      />
      {editing ? (
        <FormModal<Fields>
          title={editing === 'new' ? say('addRole') : say('edit')}
          onClose={() => setEditing(undefined)}
          stale={['/roles', '/proposals']}
          done={say('proposed')}
          initial={editing === 'new' ? {} : { ...editing, permissions: editing.permissions ?? [] }}
          act={(values) => ({ path: '/roles', body: { ...values, code: editing === 'new' ? values.code : editing.code } })}
        >
          {editing === 'new' ? <Form.Item name="code" label={say('code')} rules={must}><Input maxLength={40} /></Form.Item> : null}
          <Form.Item name="name" label={`${say('name')}（中文）`} rules={must}><Input maxLength={40} /></Form.Item>
          <Form.Item name="name_en" label={`${say('name')} (English)`} rules={must}><Input maxLength={60} /></Form.Item>
          <Form.Item name="permissions" label={say('permissions')} rules={must}><Select mode="multiple" showSearch={{ optionFilterProp: 'label' }} options={(permissions.data?.items ?? []).map((one) => ({ value: one.code, label: both(lang, one.zh, one.en) }))} /></Form.Item>
          <Form.Item name="note" label={say('note')}><Input maxLength={1000} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
