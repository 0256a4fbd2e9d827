import { Alert, DatePicker, Empty, Space, Table } from 'antd'
import dayjs from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { both, Money } from '../../widget/values'
import { useKind } from './Accounts'
import { ExportLinks } from './exportLink'
import { ledgerWords } from './ledgerWords'

type Line = { code: string; name_zh: string; name_en: string; kind: string; currency: string; opening_minor: number; debit_minor: number; credit_minor: number; closing_minor: number }
type Sum = { currency: string; debit_minor: number; credit_minor: number; memo_debit_minor: number; memo_credit_minor: number; balanced: boolean }
type Trial = { from: string; until: string; lines: Line[] | null; sums: Sum[] | null }

export default function TrialBalance() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const kindName = useKind()
  const [url, setUrl] = useUrlState()
  const query = { from: url.from, until: url.until, branch: url.branch }
  const trial = useGet<Trial>('/ledger/trial', query)
  return (
    <div className="page">
      <PageHeader
        title={say('trial')}
        hint={say('trialHint')}
        actions={(
          <Space wrap>
            <DatePicker.RangePicker value={trial.data ? [dayjs(trial.data.from), dayjs(trial.data.until)] : null} onChange={(dates) => setUrl({ from: dates?.[0]?.format('YYYY-MM-DD'), until: dates?.[1]?.format('YYYY-MM-DD') })} />
            <ExportLinks report="trial" query={query} />
          </Space>
        )}
      />
      <Async of={trial}>
        {(data) => {
          const even = (data.sums ?? []).every((sum) => sum.balanced)
          return (
            <div className="stack">
              <Alert type={even ? 'success' : 'error'} showIcon title={even ? say('balanced') : say('notBalanced')} />
              <Table<Line>
                size="small"
                pagination={false}
                rowKey={(line) => line.code + line.currency}
                dataSource={data.lines ?? []}
                scroll={{ x: 'max-content' }}
                locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('nothing')} /> }}
                columns={[
                  { title: say('account'), className: 'num', render: (_, line) => <A href={`/accounts/${line.code}?currency=${line.currency}&from=${data.from}&until=${data.until}`}>{line.code}</A> },
                  { title: say('name'), render: (_, line) => both(lang, line.name_zh, line.name_en) },
                  { title: say('kind'), render: (_, line) => kindName(line.kind) },
                  { title: say('opening'), align: 'right', render: (_, line) => <Money minor={line.opening_minor} currency={line.currency} /> },
                  { title: say('debit'), align: 'right', render: (_, line) => <Money minor={line.debit_minor} currency={line.currency} /> },
                  { title: say('credit'), align: 'right', render: (_, line) => <Money minor={line.credit_minor} currency={line.currency} /> },
                  { title: say('closing'), align: 'right', render: (_, line) => <Money minor={line.closing_minor} currency={line.currency} /> },
                ]}
                summary={() => (data.sums ?? []).map((sum) => (
                  <Table.Summary.Row key={sum.currency}>
                    <Table.Summary.Cell index={0} colSpan={4}><b>{say('total')} {sum.currency}</b></Table.Summary.Cell>
                    <Table.Summary.Cell index={4} align="right"><b><Money minor={sum.debit_minor + sum.memo_debit_minor} currency={sum.currency} /></b></Table.Summary.Cell>
                    <Table.Summary.Cell index={5} align="right"><b><Money minor={sum.credit_minor + sum.memo_credit_minor} currency={sum.currency} /></b></Table.Summary.Cell>
                    <Table.Summary.Cell index={6} />
                  </Table.Summary.Row>
                ))}
              />
            </div>
          )
        }}
      </Async>
    </div>
  )
}
