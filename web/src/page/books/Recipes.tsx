import { Button, Card, DatePicker, Empty, Form, Input, Select, Space, Table } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Id } from '../../widget/values'
import type { ChartAccount } from './Accounts'
import { ledgerWords } from './ledgerWords'

type Role = { role: string; zh: string; en: string; kinds: string[]; default_account: string }
type Version = { product_id: string; version: number; effective_from: string; accounts: Record<string, string>; approved_by: string; created_at: string }
type View = { product_id: string; date: string; accounts: Record<string, string>; versions: Version[] | null }
type Product = { id: string; name: { zh: string; en: string } }

function ChangeForm({ roles, accounts, products, product, onClose }: { roles: Role[]; accounts: ChartAccount[]; products: Product[]; product: string; onClose: () => void }) {
  const say = useWords(ledgerWords)
  const lang = useLang()
  type Values = { product_id?: string; effective_from: Dayjs; role: string; account: string; note?: string }
  return (
    <FormModal<Values> title={say('changeRecipe')} onClose={onClose} initial={product ? { product_id: product } : {}} stale={['/proposals', '/ledger/recipe']} done={say('proposed')}
      act={(values) => ({ path: '/ledger/recipe', body: { product_id: values.product_id || undefined, effective_from: values.effective_from.format('YYYY-MM-DD'), accounts: { [values.role]: values.account }, note: values.note || undefined } })}>
      {(form) => {
        const role = roles.find((one) => one.role === form.getFieldValue('role'))
        return (
          <>
            <Form.Item name="product_id" label={say('product')}><Select allowClear placeholder={say('allProducts')} options={products.map((one) => ({ value: one.id, label: both(lang, one.name.zh, one.name.en) }))} /></Form.Item>
            <Form.Item name="effective_from" label={say('effective')} rules={[{ required: true }]}><DatePicker style={{ width: '100%' }} /></Form.Item>
            <Form.Item name="role" label={say('role')} rules={[{ required: true }]}><Select showSearch={{ optionFilterProp: 'label' }} options={roles.map((one) => ({ value: one.role, label: both(lang, one.zh, one.en) }))} /></Form.Item>
            <Form.Item name="account" label={say('account')} rules={[{ required: true }]}>
              <Select showSearch={{ optionFilterProp: 'label' }} options={accounts.filter((one) => one.active && (!role || role.kinds.includes(one.kind))).map((one) => ({ value: one.code, label: `${one.code} ${both(lang, one.name_zh, one.name_en)}` }))} />
            </Form.Item>
            <Form.Item name="note" label={say('note')}><Input maxLength={200} /></Form.Item>
          </>
        )
      }}
    </FormModal>
  )
}

export default function Recipes() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const may = useMay()
  const [url, setUrl] = useUrlState()
  const [changing, setChanging] = useState(false)
  const product = url.product ?? ''
  const roles = useGet<{ items: Role[] }>('/ledger/roles')
  const accounts = useGet<{ items: ChartAccount[] }>('/accounts')
  const products = useGet<{ items: Product[] }>('/products')
  const view = useGet<View>('/ledger/recipe', { product_id: product })
  const name = (code: string) => { const found = accounts.data?.items.find((one) => one.code === code); return found ? `${code} ${both(lang, found.name_zh, found.name_en)}` : code }
  return (
    <div className="page">
      <PageHeader title={say('recipes')} hint={say('recipesHint')} actions={(
        <Space wrap>
          <Select allowClear placeholder={say('allProducts')} value={product || null} onChange={(value) => setUrl({ product: value ?? undefined })} style={{ width: 220 }} options={(products.data?.items ?? []).map((one) => ({ value: one.id, label: both(lang, one.name.zh, one.name.en) }))} />
          {may('recipe.propose') ? <Button type="primary" onClick={() => setChanging(true)}>{say('changeRecipe')}</Button> : null}
        </Space>
      )} />
      <Async of={view}>
        {(data) => (
          <div className="stack">
            <Table<Role> size="small" rowKey="role" pagination={false} dataSource={roles.data?.items ?? []} scroll={{ x: 'max-content' }} columns={[
              { title: say('role'), render: (_, row) => both(lang, row.zh, row.en) },
              { title: say('account'), render: (_, row) => { const code = data.accounts[row.role] ?? row.default_account; return <A href={`/accounts/${code}`}>{name(code)}</A> } },
            ]} />
            <Card size="small" title={say('history')}>
              <Table<Version> size="small" rowKey={(row) => `${row.product_id}/${row.version}`} pagination={false} dataSource={data.versions ?? []} locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noHistory')} /> }} columns={[
                { title: say('effective'), render: (_, row) => <DateText date={row.effective_from} /> },
                { title: say('product'), render: (_, row) => row.product_id || say('allProducts') },
                { title: say('account'), render: (_, row) => Object.entries(row.accounts).map(([role, code]) => { const one = roles.data?.items.find((known) => known.role === role); return <div key={role}>{one ? both(lang, one.zh, one.en) : role} → {name(code)}</div> }) },
                { title: say('actor'), render: (_, row) => <Id id={row.approved_by} /> },
              ]} />
            </Card>
          </div>
        )}
      </Async>
      {changing && roles.data && accounts.data ? <ChangeForm roles={roles.data.items} accounts={accounts.data.items} products={products.data?.items ?? []} product={product} onClose={() => setChanging(false)} /> : null}
    </div>
  )
}
