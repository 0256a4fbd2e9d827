import { Button, DatePicker, Empty, Form, Input, InputNumber, Select, Space, Switch, Table, Tag } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, Money } from '../../widget/values'
import { ledgerWords } from './ledgerWords'

export type ChartAccount = { code: string; name_zh: string; name_en: string; kind: string; parent_code: string; level: number; active: boolean; open_api: boolean; manual: boolean; overdraft_minor: number; monetary: boolean }
type TrialLine = { code: string; currency: string; closing_minor: number }
type Node = ChartAccount & { balances: TrialLine[]; children?: Node[] }

export const kinds = ['asset', 'liability', 'equity', 'income', 'expense', 'memo'] as const

export function useKind(): (kind: string) => string {
  const say = useWords(ledgerWords)
  return (kind) => { const known = kinds.find((one) => one === kind); return known ? say(known) : kind }
}

/** The chart as a tree, each account with what it holds in each currency. */
export function treeOf(accounts: ChartAccount[], lines: TrialLine[]): Node[] {
  const nodes = new Map<string, Node>(accounts.map((one) => [one.code, { ...one, balances: lines.filter((line) => line.code === one.code) }]))
  const roots: Node[] = []
  for (const node of nodes.values()) {
    const parent = nodes.get(node.parent_code)
    if (parent) (parent.children ??= []).push(node)
    else roots.push(node)
  }
  return roots
}

function AccountForm({ account, onClose }: { account?: ChartAccount | undefined; onClose: () => void }) {
  const say = useWords(ledgerWords)
  const kindName = useKind()
  type Values = ChartAccount & { note?: string }
  const initial: Partial<Values> = account ?? { active: true, manual: true, open_api: false, overdraft_minor: -1, monetary: true, kind: 'asset' }
  return (
    <FormModal<Values>
      title={account ? `${say('changeAccount')} ${account.code}` : say('addAccount')}
      onClose={onClose}
      initial={initial}
      stale={['/proposals', '/accounts']}
      done={say('proposed')}
      act={(values) => ({
        path: '/accounts',
        body: {
          new: !account, code: account?.code ?? values.code, name_zh: values.name_zh, name_en: values.name_en, kind: account?.kind ?? values.kind, parent_code: values.parent_code || undefined,
          active: values.active, open_api: values.open_api, manual: values.manual, overdraft_minor: values.overdraft_minor, monetary: account?.monetary ?? ['asset', 'liability'].includes(values.kind), note: values.note || undefined,
        },
      })}
    >
      {account ? null : <Form.Item name="code" label={say('code')} rules={[{ required: true }]}><Input maxLength={20} /></Form.Item>}
      <Form.Item name="name_zh" label={say('nameZh')} rules={[{ required: true }]}><Input maxLength={60} /></Form.Item>
      <Form.Item name="name_en" label={say('nameEn')} rules={[{ required: true }]}><Input maxLength={120} /></Form.Item>
      {account ? null : <Form.Item name="kind" label={say('kind')} rules={[{ required: true }]}><Select options={kinds.map((one) => ({ value: one, label: kindName(one) }))} /></Form.Item>}
      <Form.Item name="parent_code" label={say('parent')}><Input maxLength={20} /></Form.Item>
      <Space size="large">
        <Form.Item name="active" label={say('active')} valuePropName="checked"><Switch /></Form.Item>
        <Form.Item name="manual" label={say('manual')} valuePropName="checked"><Switch /></Form.Item>
        <Form.Item name="open_api" label={say('openApi')} valuePropName="checked"><Switch /></Form.Item>
      </Space>
      <Form.Item name="overdraft_minor" label={say('overdraft')} rules={[{ required: true }]}><InputNumber min={-1} precision={0} style={{ width: '100%' }} /></Form.Item>
      <Form.Item name="note" label={say('note')}><Input maxLength={200} /></Form.Item>
    </FormModal>
  )
}

export default function Accounts() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const may = useMay()
  const kindName = useKind()
  const [url, setUrl] = useUrlState()
  const [form, setForm] = useState<ChartAccount | 'new'>()
  const accounts = useGet<{ items: ChartAccount[] }>('/accounts')
  const trial = useGet<{ lines: TrialLine[] | null }>('/ledger/trial', { until: url.until })
  return (
    <div className="page">
      <PageHeader
        title={say('accounts')}
        hint={say('accountsHint')}
        actions={(
          <Space wrap>
            <DatePicker value={url.until ? dayjs(url.until) : null} onChange={(date) => setUrl({ until: date?.format('YYYY-MM-DD') })} />
            {may('chart.propose') ? <Button type="primary" onClick={() => setForm('new')}>{say('addAccount')}</Button> : null}
          </Space>
        )}
      />
      <Async of={accounts}>
        {(data) => (
          <Table<Node>
            size="small"
            pagination={false}
            rowKey="code"
            dataSource={treeOf(data.items, trial.data?.lines ?? [])}
            scroll={{ x: 'max-content' }}
            locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noAccounts')} /> }}
            columns={[
              { title: say('account'), render: (_, row) => <A href={`/accounts/${row.code}`}><span className="num">{row.code}</span> {both(lang, row.name_zh, row.name_en)}</A> },
              { title: say('kind'), render: (_, row) => kindName(row.kind) },
              { title: say('balance'), align: 'right', render: (_, row) => row.balances.map((line) => <div key={line.currency}><Money minor={line.closing_minor} currency={line.currency} /></div>) },
              {
                title: say('state'),
                render: (_, row) => (
                  <Space size={4} wrap>
                    {row.active ? null : <Tag>{say('inactive')}</Tag>}
                    {row.manual ? null : <Tag>{say('controlled')}</Tag>}
                    {row.open_api ? <Tag color="blue">{say('openApi')}</Tag> : null}
                  </Space>
                ),
              },
              ...(may('chart.propose') ? [{ title: '', render: (_: unknown, row: Node) => <Button size="small" type="link" onClick={() => setForm(row)}>{say('changeAccount')}</Button> }] : []),
            ]}
          />
        )}
      </Async>
      {form ? <AccountForm account={form === 'new' ? undefined : form} onClose={() => setForm(undefined)} /> : null}
    </div>
  )
}
