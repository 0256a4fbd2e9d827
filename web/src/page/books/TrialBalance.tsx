import { Alert, DatePicker, Empty, Table } from 'antd'
import dayjs from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { both, Money } from '../../widget/values'
import type { Account } from './Journal'
import { booksWords } from './words'

type TrialLine = Account & { currency: string; debit_minor: number; credit_minor: number; net_minor: number }
type Trial = { as_of: string; lines: TrialLine[] | null; debit_minor: number; credit_minor: number; balanced: boolean }

export default function TrialBalance() {
  const say = useWords(booksWords)
  const lang = useLang()
  const [url, setUrl] = useUrlState()
  const trial = useGet<Trial>('/trial-balance', { as_of: url.as_of })
  const kinds = ['asset', 'liability', 'equity', 'income', 'expense'] as const
  return (
    <div className="page">
      <PageHeader title={say('trial')} hint={say('trialHint')} actions={<DatePicker value={url.as_of ? dayjs(url.as_of) : null} placeholder={say('asOf')} onChange={(date) => setUrl({ as_of: date?.format('YYYY-MM-DD') })} />} />
      <Async of={trial}>
        {(data) => (
          <div className="stack">
            <Alert type={data.balanced ? 'success' : 'error'} showIcon title={data.balanced ? say('balanced') : say('notBalanced')} />
            <Table<TrialLine>
              size="small"
              pagination={false}
              rowKey={(line) => line.code + line.currency}
              dataSource={data.lines ?? []}
              scroll={{ x: 'max-content' }}
              locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noAccounts')} /> }}
              columns={[
                { title: say('account'), dataIndex: 'code', className: 'num' },
                { title: say('name'), render: (_, line) => both(lang, line.name_zh, line.name_en) },
                { title: say('type'), render: (_, line) => { const kind = kinds.find((one) => one === line.kind); return kind ? say(kind) : line.kind } },
                { title: say('debit'), align: 'right', render: (_, line) => <Money minor={line.debit_minor} currency={line.currency} /> },
                { title: say('credit'), align: 'right', render: (_, line) => <Money minor={line.credit_minor} currency={line.currency} /> },
                { title: say('balance'), align: 'right', render: (_, line) => <Money minor={line.net_minor} currency={line.currency} /> },
              ]}
              summary={() => (
                <Table.Summary.Row>
                  <Table.Summary.Cell index={0} colSpan={3}><b>{say('total')}</b></Table.Summary.Cell>
                  <Table.Summary.Cell index={3} align="right"><b><Money minor={data.debit_minor} /></b></Table.Summary.Cell>
                  <Table.Summary.Cell index={4} align="right"><b><Money minor={data.credit_minor} /></b></Table.Summary.Cell>
                  <Table.Summary.Cell index={5} />
                </Table.Summary.Row>
              )}
            />
          </div>
        )}
      </Async>
    </div>
  )
}
