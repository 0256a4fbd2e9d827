import { Table } from 'antd'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { DataTable, type Column } from '../../widget/DataTable'
import { instant, money } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Id, Instant, Money, useText, type Text } from '../../widget/values'
import { booksWords } from './words'

export type Line = { account: string; currency: string; amount_minor: number; sub?: string }
export type Entry = { seq: number; id: string; business_key: string; date: string; memo: Text; object: string; object_id: string; booked_at: string; actor: string; prev_hash: string; hash: string; lines: Line[] }
export type Account = { code: string; name_zh: string; name_en: string; kind: string }

export function useAccounts(): (code: string) => string {
  const lang = useLang()
  const accounts = useGet<{ items: Account[] }>('/accounts')
  return (code) => {
    const found = accounts.data?.items.find((account) => account.code === code)
    return found ? `${code} ${both(lang, found.name_zh, found.name_en)}` : code
  }
}

/** The debits of an entry by currency: amounts of two are never added. */
export function debits(lines: Line[]): { currency: string; minor: number }[] {
  const sums = new Map<string, number>()
  for (const line of lines) if (line.amount_minor > 0) sums.set(line.currency, (sums.get(line.currency) ?? 0) + line.amount_minor)
  return [...sums].map(([currency, minor]) => ({ currency, minor }))
}

const debitText = (lines: Line[], sign: boolean) => debits(lines).map((one) => money(one.minor, one.currency, sign)).join(' / ')

/** The lines of one entry, debits first as book-keepers read them. */
export function EntryLines({ entry }: { entry: Entry }) {
  const say = useWords(booksWords)
  const name = useAccounts()
  return (
    <div className="stack" style={{ gap: 6 }}>
      <Table<Line & { no: number }>
        size="small"
        pagination={false}
        rowKey="no"
        dataSource={entry.lines.map((line, no) => ({ ...line, no })).sort((a, b) => b.amount_minor - a.amount_minor)}
        scroll={{ x: 'max-content' }}
        columns={[
          { title: say('account'), render: (_, line) => <span><A href={`/accounts/${line.account}?currency=${line.currency}${line.sub ? `&sub=${encodeURIComponent(line.sub)}` : ''}`}>{name(line.account)}</A>{line.sub ? <> · <Id id={line.sub} /></> : null}</span> },
          { title: say('debit'), align: 'right', render: (_, line) => (line.amount_minor > 0 ? <Money minor={line.amount_minor} currency={line.currency} /> : null) },
          { title: say('credit'), align: 'right', render: (_, line) => (line.amount_minor < 0 ? <Money minor={-line.amount_minor} currency={line.currency} /> : null) },
        ]}
      />
      {entry.object === 'loan_sum' ? <Shares sumId={entry.object_id} /> : null}
      <div className="muted mono">{say('hash')} {entry.hash} · {entry.business_key}</div>
    </div>
  )
}

type Share = { loan_id: string; reference: string; firm_id: string; lines: Line[] }

/** The loans behind an entry of summed interest, computed when asked for. */
function Shares({ sumId }: { sumId: string }) {
  const say = useWords(booksWords)
  const name = useAccounts()
  return (
    <DataTable<Share>
      name="sum-shares"
      path="/loan-sums/shares"
      prefix={`s.${sumId}.`}
      fixed={{ sum_id: sumId }}
      rowKey={(row) => row.loan_id}
      empty={{ text: say('shares') }}
      columns={[
        { key: 'loan', title: say('shares'), text: (row) => row.loan_id, render: (row) => <A href={objectHref('loan', row.loan_id) ?? ''}><Id id={row.loan_id} /></A> },
        { key: 'lines', title: say('account'), text: (row) => row.lines.map((line) => name(line.account)).join('; ') },
        { key: 'amount', title: say('amount'), numeric: true, text: (row) => debitText(row.lines, false), render: (row) => debits(row.lines).map((one) => <Money key={one.currency} minor={one.minor} currency={one.currency} />) },
      ]}
    />
  )
}

export function EntryTable({ name, fixed, prefix }: { name: string; fixed?: Record<string, string>; prefix?: string }) {
  const say = useWords(booksWords)
  const lang = useLang()
  const text = useText()
  const account = useAccounts()
  const accounts = useGet<{ items: Account[] }>('/accounts')
  const columns: Column<Entry>[] = [
    { key: 'seq', title: say('number'), numeric: true, text: (row) => String(row.seq), render: (row) => <A href={`/journal/${row.id}`}>{row.seq}</A> },
    { key: 'date', title: say('date'), text: (row) => row.date, render: (row) => <DateText date={row.date} /> },
    { key: 'memo', title: say('memo'), text: (row) => text(row.memo) },
    {
      key: 'object', title: say('object'), text: (row) => `${row.object} ${row.object_id}`,
      render: (row) => { const href = objectHref(row.object, row.object_id); return <span>{objectName(row.object, lang)} {href ? <A href={href}><Id id={row.object_id} /></A> : <Id id={row.object_id} />}</span> },
    },
    { key: 'amount', title: say('amount'), numeric: true, text: (row) => debitText(row.lines, debits(row.lines).length > 1), render: (row) => debits(row.lines).map((one) => <div key={one.currency}><Money minor={one.minor} currency={one.currency} /></div>) },
    { key: 'booked', title: say('posted'), text: (row) => instant(row.booked_at, lang), render: (row) => <Instant at={row.booked_at} /> },
    { key: 'hash', title: say('hash'), extra: true, text: (row) => row.hash, render: (row) => <span className="mono">{row.hash.slice(0, 12)}</span> },
  ]
  return (
    <DataTable<Entry>
      name={name}
      path="/journal-entries"
      columns={columns}
      rowKey={(row) => row.id}
      expand={(row) => <EntryLines entry={row} />}
      empty={{ text: say('noEntries') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      filters={[
        { kind: 'choice', name: 'account', label: say('account'), options: (accounts.data?.items ?? []).map((one) => ({ value: one.code, label: account(one.code) })) },
        { kind: 'dates', from: 'from', to: 'until', label: say('date') },
      ]}
    />
  )
}

export default function Journal() {
  const say = useWords(booksWords)
  return (
    <div className="page">
      <PageHeader title={say('journal')} hint={say('journalHint')} />
      <EntryTable name="journal" />
    </div>
  )
}
