import { Alert, Card, DatePicker, Select, Space, Table } from 'antd'
import dayjs from 'dayjs'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { money } from '../../widget/format'
import { both, Money } from '../../widget/values'
import { ExportLinks } from './exportLink'
import { ledgerWords } from './ledgerWords'

type Item = { code: string; name_zh: string; name_en: string; amount_minor: number }
type Section = { items: Item[] | null; total_minor: number }
type Sheet = { as_of: string; currency: string; assets: Section; liabilities: Section; equity: Section; result_minor: number; memo: Section; balanced: boolean }
type Income = { from: string; until: string; currency: string; income: Section; expense: Section; result_minor: number }

function Part({ title, section, currency, link, extra }: { title: string; section: Section; currency: string; link: string; extra?: { label: string; minor: number } }) {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const total = section.total_minor + (extra?.minor ?? 0)
  return (
    <Table<Item>
      size="small"
      pagination={false}
      title={() => <b>{title}</b>}
      rowKey="code"
      showHeader={false}
      dataSource={section.items ?? []}
      locale={{ emptyText: <span className="muted">{say('none')}</span> }}
      columns={[
        { render: (_, row) => <A href={`/accounts/${row.code}?currency=${currency}${link}`}><span className="num">{row.code}</span> {both(lang, row.name_zh, row.name_en)}</A> },
        { align: 'right', render: (_, row) => <Money minor={row.amount_minor} currency={currency} /> },
      ]}
      summary={() => (
        <>
          {extra ? <Table.Summary.Row><Table.Summary.Cell index={0}>{extra.label}</Table.Summary.Cell><Table.Summary.Cell index={1} align="right"><Money minor={extra.minor} currency={currency} /></Table.Summary.Cell></Table.Summary.Row> : null}
          <Table.Summary.Row><Table.Summary.Cell index={0}><b>{say('total')}</b></Table.Summary.Cell><Table.Summary.Cell index={1} align="right"><b><Money minor={total} currency={currency} /></b></Table.Summary.Cell></Table.Summary.Row>
        </>
      )}
    />
  )
}

export default function Statements() {
  const say = useWords(ledgerWords)
  const [url, setUrl] = useUrlState()
  const query = { from: url.from, until: url.until, currency: url.currency, branch: url.branch }
  const sheet = useGet<Sheet>('/ledger/balance-sheet', query)
  const income = useGet<Income>('/ledger/income-statement', query)
  const link = url.from && url.until ? `&from=${url.from}&until=${url.until}` : ''
  return (
    <div className="page">
      <PageHeader
        title={say('statements')}
        hint={say('statementsHint')}
        actions={(
          <Space wrap>
            <DatePicker.RangePicker value={income.data ? [dayjs(income.data.from), dayjs(income.data.until)] : null} onChange={(dates) => setUrl({ from: dates?.[0]?.format('YYYY-MM-DD'), until: dates?.[1]?.format('YYYY-MM-DD') })} />
            <Select allowClear placeholder={say('currency')} value={url.currency ?? null} onChange={(value) => setUrl({ currency: value ?? undefined })} options={['CNY', 'USD', 'EUR', 'GBP', 'HKD', 'JPY'].map((one) => ({ value: one, label: one }))} style={{ width: 100 }} />
          </Space>
        )}
      />
      <div className="stack">
        <Async of={sheet}>
          {(data) => (
            <Card size="small" title={`${say('balanceSheet')} ${data.as_of} ${data.currency}`} extra={<ExportLinks report="balance_sheet" query={query} />}>
              <div className="stack">
                <Alert type={data.balanced ? 'success' : 'error'} showIcon title={data.balanced ? `${say('sheetBalanced')} ${money(data.assets.total_minor, data.currency)}` : say('notBalanced')} />
                <Part title={say('assets')} section={data.assets} currency={data.currency} link={link} />
                <Part title={say('liabilities')} section={data.liabilities} currency={data.currency} link={link} />
                <Part title={say('equity')} section={data.equity} currency={data.currency} link={link} extra={{ label: say('result'), minor: data.result_minor }} />
                {data.memo.items?.length ? <Part title={say('offBalance')} section={data.memo} currency={data.currency} link={link} /> : null}
              </div>
            </Card>
          )}
        </Async>
        <Async of={income}>
          {(data) => (
            <Card size="small" title={`${say('incomeStatement')} ${data.from} – ${data.until} ${data.currency}`} extra={<ExportLinks report="income_statement" query={query} />}>
              <div className="stack">
                <Part title={say('income')} section={data.income} currency={data.currency} link={link} />
                <Part title={say('expense')} section={data.expense} currency={data.currency} link={link} />
                <div><b>{say('profit')}</b> <Money minor={data.result_minor} currency={data.currency} /></div>
              </div>
            </Card>
          )}
        </Async>
      </div>
    </div>
  )
}
