import { Button, Card, DatePicker, Empty, Input, Select, Space, Statistic, Table } from 'antd'
import dayjs from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId, useUrlState } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { Async } from '../../widget/Async'
import { money } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Id, Money, useText, type Text } from '../../widget/values'
import type { ChartAccount } from './Accounts'
import { ExportLinks } from './exportLink'
import { ledgerWords } from './ledgerWords'

type Move = { date: string; seq: number; line: number; entry_id: string; memo: Text; object: string; object_id: string; branch: string; product: string; sub: string; debit_minor: number; credit_minor: number; balance_minor: number }
type Statement = { account: ChartAccount; sub: string; currency: string; from: string; until: string; opening_minor: number; debit_minor: number; credit_minor: number; closing_minor: number; total: number; items: Move[] | null; next_cursor?: string }
type Sub = { account: string; sub: string; branch: string; currency: string; debit_minor: number; credit_minor: number; held_minor: number }

function SubAccounts({ code }: { code: string }) {
  const say = useWords(ledgerWords)
  const [, setUrl] = useUrlState()
  const subs = useGet<{ items: Sub[] | null }>('/ledger/sub-accounts', { account: code, limit: 100 })
  return (
    <Async of={subs}>
      {(data) => (
        <Table<Sub>
          size="small"
          pagination={false}
          title={() => say('subAccounts')}
          rowKey={(row) => row.sub + row.branch + row.currency}
          dataSource={(data.items ?? []).filter((row) => row.sub !== '')}
          scroll={{ x: 'max-content' }}
          locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noSubs')} /> }}
          columns={[
            { title: say('sub'), render: (_, row) => <Button size="small" type="link" onClick={() => setUrl({ sub: row.sub, currency: row.currency, cursor: undefined })}><Id id={row.sub} /></Button> },
            { title: say('branch'), render: (_, row) => (row.branch ? <Id id={row.branch} /> : '—') },
            { title: say('debit'), align: 'right', render: (_, row) => <Money minor={row.debit_minor} currency={row.currency} /> },
            { title: say('credit'), align: 'right', render: (_, row) => <Money minor={row.credit_minor} currency={row.currency} /> },
            { title: say('held'), align: 'right', render: (_, row) => <Money minor={row.held_minor} currency={row.currency} /> },
          ]}
        />
      )}
    </Async>
  )
}

export default function AccountPage() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const text = useText()
  const code = useId()
  const [url, setUrl] = useUrlState()
  const query = { account: code, sub: url.sub, currency: url.currency, from: url.from, until: url.until, branch: url.branch }
  const statement = useGet<Statement>('/ledger/account-statement', { ...query, cursor: url.cursor, limit: 50 })
  return (
    <div className="page">
      <PageHeader
        title={`${say('statement')} ${code}${statement.data ? ` ${both(lang, statement.data.account.name_zh, statement.data.account.name_en)}` : ''}`}
        hint={say('statementHint')}
        actions={(
          <Space wrap>
            <DatePicker.RangePicker value={url.from && url.until ? [dayjs(url.from), dayjs(url.until)] : null} onChange={(dates) => setUrl({ from: dates?.[0]?.format('YYYY-MM-DD'), until: dates?.[1]?.format('YYYY-MM-DD'), cursor: undefined })} />
            <Input allowClear placeholder={say('sub')} defaultValue={url.sub ?? ''} onPressEnter={(event) => setUrl({ sub: event.currentTarget.value, cursor: undefined })} onClear={() => setUrl({ sub: undefined, cursor: undefined })} style={{ width: 180 }} />
            <Select allowClear placeholder={say('currency')} value={url.currency ?? null} onChange={(value) => setUrl({ currency: value ?? undefined, cursor: undefined })} options={['CNY', 'USD', 'EUR', 'GBP', 'HKD', 'JPY'].map((one) => ({ value: one, label: one }))} style={{ width: 100 }} />
            <ExportLinks report="account" query={query} />
          </Space>
        )}
      />
      <Async of={statement}>
        {(data) => (
          <div className="stack">
            <div className="tiles">
              <Card size="small"><Statistic title={`${say('opening')} ${data.from}`} value={money(data.opening_minor, data.currency)} /></Card>
              <Card size="small"><Statistic title={say('debit')} value={money(data.debit_minor, data.currency)} /></Card>
              <Card size="small"><Statistic title={say('credit')} value={money(data.credit_minor, data.currency)} /></Card>
              <Card size="small"><Statistic title={`${say('closing')} ${data.until}`} value={money(data.closing_minor, data.currency)} /></Card>
            </div>
            <Table<Move>
              size="small"
              pagination={false}
              rowKey={(row) => `${row.seq}-${row.line}`}
              dataSource={data.items ?? []}
              scroll={{ x: 'max-content' }}
              locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noMoves')} /> }}
              columns={[
                { title: say('date'), render: (_, row) => <DateText date={row.date} /> },
                { title: say('number'), className: 'num', render: (_, row) => <A href={`/journal/${row.entry_id}`}>{row.seq}</A> },
                { title: say('description'), render: (_, row) => text(row.memo) },
                { title: say('object'), render: (_, row) => { const href = objectHref(row.object, row.object_id); return row.object ? <span>{objectName(row.object, lang)} {href ? <A href={href}><Id id={row.object_id} /></A> : <Id id={row.object_id} />}</span> : '—' } },
                { title: say('sub'), render: (_, row) => (row.sub ? <Id id={row.sub} /> : '') },
                { title: say('debit'), align: 'right', render: (_, row) => (row.debit_minor ? <Money minor={row.debit_minor} currency={data.currency} /> : null) },
                { title: say('credit'), align: 'right', render: (_, row) => (row.credit_minor ? <Money minor={row.credit_minor} currency={data.currency} /> : null) },
                { title: say('balance'), align: 'right', render: (_, row) => <Money minor={row.balance_minor} currency={data.currency} /> },
              ]}
            />
            <Space wrap>
              {url.cursor ? <Button onClick={() => setUrl({ cursor: undefined })}>{say('first')}</Button> : null}
              {data.next_cursor ? <Button onClick={() => setUrl({ cursor: data.next_cursor })}>{say('more')}</Button> : null}
            </Space>
          </div>
        )}
      </Async>
      <SubAccounts code={code} />
    </div>
  )
}
