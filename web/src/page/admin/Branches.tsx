import { Button, Form, Input } from 'antd'
import { useState } from 'react'
import { useLang, useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both } from '../../widget/values'
import { BranchSelect, type Branch } from './choices'
import { adminWords } from './words'

export default function Branches() {
  const say = useWords(adminWords)
  const lang = useLang()
  const may = useMay()
  const [adding, setAdding] = useState(false)
  const must = [{ required: true, message: say('required') }]
  return (
    <div className="page">
      <PageHeader title={say('branches')} hint={say('branchesHint')} actions={may('branch.manage') ? <Button type="primary" onClick={() => setAdding(true)}>{say('addBranch')}</Button> : null} />
      <DataTable<Branch>
        name="branches"
        path="/branches"
        rowKey={(branch) => branch.id}
        empty={{ text: say('noBranches') }}
        columns={[
          { key: 'name', title: say('name'), text: (branch) => both(lang, branch.name, branch.name_en), render: (branch) => <span style={{ paddingInlineStart: Math.max(0, branch.path.split('/').length - 3) * 20 }}>{both(lang, branch.name, branch.name_en)}</span> },
          { key: 'code', title: say('code'), text: (branch) => branch.code },
          { key: 'path', title: say('path'), text: (branch) => branch.path, render: (branch) => <span className="mono">{branch.path}</span> },
        ]}
      />
      {adding ? (
        <FormModal<{ parent: string; code: string; name: string; name_en: string }> title={say('addBranch')} onClose={() => setAdding(false)} stale={['/branches']} done={say('saved')} act={(values) => ({ path: '/branches', body: values })}>
          <Form.Item name="parent" label={say('parent')} rules={must}><BranchSelect /></Form.Item>
          <Form.Item name="code" label={say('code')} rules={must}><Input maxLength={32} /></Form.Item>
          <Form.Item name="name" label={`${say('name')}（中文）`} rules={must}><Input maxLength={100} /></Form.Item>
          <Form.Item name="name_en" label={`${say('name')} (English)`} rules={must}><Input maxLength={100} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
