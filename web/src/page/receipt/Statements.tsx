import { Alert, Button, Table } from 'antd'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { DateText, Instant, Money, StateTag, useText, type Text } from '../../widget/values'
import { receiptWords } from './words'

export type BankStatement = {
  account: string; day: string; currency: string; state: 'taken' | 'missing'; statement_id: string; sequence: number; opening_minor: number; closing_minor: number
  balances: boolean; entries: number; file_id: string; reason: Text; tries: number; fetched_at: string; gap?: Text
}

/** The bank's statements day by day, and what is missing between them. */
export function Statements() {
  const say = useWords(receiptWords)
  const text = useText()
  const may = useMay()
  const found = useGet<{ items: BankStatement[] }>('/bank-statements', { limit: 200 })
  const fetchAll = useAction({ stale: ['/bank-statements', '/receipt', '/jobs'], done: say('fetched') })
  return (
    <Async of={found}>
      {({ items }) => {
        const wrong = items.filter((one) => one.gap || one.state === 'missing')
        return (
          <div className="stack">
            <div className="row between"><span className="muted">{say('statementsHint')}</span>{may('receipt.handle') ? <Button loading={fetchAll.busy} onClick={() => void fetchAll.run({ path: '/bank-statements/fetch', body: {} })} data-testid="fetch-statements">{say('fetchStatements')}</Button> : null}</div>
            {wrong.length > 0 ? <Alert type="warning" showIcon title={say('gaps')} description={wrong.map((one) => <div key={one.account + one.day}>{one.day} · {one.currency} · {text(one.gap ?? one.reason)}</div>)} /> : null}
            <Table<BankStatement> size="small" rowKey={(row) => `${row.account}/${row.day}`} dataSource={items} pagination={{ pageSize: 31, hideOnSinglePage: true }} scroll={{ x: 'max-content' }} locale={{ emptyText: say('noStatements') }} columns={[
              { title: say('day'), render: (_, row) => <DateText date={row.day} /> },
              { title: say('currency'), dataIndex: 'currency' },
              { title: say('status'), render: (_, row) => <StateTag text={say(row.state)} tone={row.state === 'missing' ? 'bad' : row.gap ? 'warn' : 'good'} /> },
              { title: say('statementNo'), align: 'right', className: 'num', render: (_, row) => row.sequence || '—' },
              { title: say('entries'), align: 'right', className: 'num', dataIndex: 'entries' },
              { title: say('opening'), align: 'right', render: (_, row) => (row.balances ? <Money minor={row.opening_minor} currency={row.currency} /> : '—') },
              { title: say('closing'), align: 'right', render: (_, row) => (row.balances ? <Money minor={row.closing_minor} currency={row.currency} /> : '—') },
              { title: say('why'), render: (_, row) => text(row.gap ?? row.reason) },
              { title: say('file'), render: (_, row) => (row.file_id ? <A href={`/receipts/files/${row.file_id}`}>{row.statement_id}</A> : null) },
              { title: say('fetchedAt'), render: (_, row) => <Instant at={row.fetched_at} /> },
            ]} />
          </div>
        )
      }}
    </Async>
  )
}
