import { Button, Card, DatePicker, Empty, Form, Input, Select, Space, Table } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, DateText, Instant, Money, StateTag } from '../../widget/values'
import { ledgerWords } from './ledgerWords'

type Rate = { currency: string; date: string; rate: string; source: string }
type Run = { id: string; date: string; run: number; state: 'posted' | 'reversed'; entries: number; result_minor: number; created_at: string }
type Line = { code: string; name_zh: string; name_en: string; currency: string; debit_minor: number; credit_minor: number; base_minor: number }
type Trial = { as_of: string; base_currency: string; lines: Line[] | null; missing_rates: string[] | null }

export default function Exchange() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const may = useMay()
  const [form, setForm] = useState<'rates' | 'revalue'>()
  const rates = useGet<{ items: Rate[] }>('/fx/rates')
  const runs = useGet<{ items: Run[] }>('/fx/revaluations')
  const trial = useGet<Trial>('/fx/trial-balance')
  const reverse = useAction({ stale: ['/fx', '/ledger'], done: say('saved') })
  const last = runs.data?.items.find((one) => one.state === 'posted')?.id
  const empty = (text: string) => ({ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text} /> })
  return (
    <div className="page">
      <PageHeader title={say('fx')} hint={say('fxHint')} actions={may('fx.propose') ? <Space wrap><Button onClick={() => setForm('rates')}>{say('addRates')}</Button><Button type="primary" onClick={() => setForm('revalue')}>{say('revalue')}</Button></Space> : null} />
      <div className="stack">
        <Async of={rates}>
          {(data) => (
            <Table<Rate> size="small" rowKey="currency" pagination={false} title={() => say('rates')} dataSource={data.items} locale={empty(say('noRates'))} columns={[
              { title: say('currency'), dataIndex: 'currency' },
              { title: say('date'), render: (_, row) => <DateText date={row.date} /> },
              { title: say('rate'), align: 'right', className: 'num', dataIndex: 'rate' },
              { title: say('source'), dataIndex: 'source' },
            ]} />
          )}
        </Async>
        <Async of={runs}>
          {(data) => (
            <Table<Run> size="small" rowKey="id" pagination={{ pageSize: 12, hideOnSinglePage: true }} title={() => say('revaluations')} dataSource={data.items} locale={empty(say('noRuns'))} columns={[
              { title: say('date'), render: (_, row) => <DateText date={row.date} /> },
              { title: say('state'), render: (_, row) => <StateTag text={say(row.state === 'posted' ? 'done' : 'reversed')} tone={row.state === 'posted' ? 'good' : 'plain'} /> },
              { title: say('entries'), align: 'right', className: 'num', dataIndex: 'entries' },
              { title: say('gain'), align: 'right', render: (_, row) => <Money minor={row.result_minor} {...(trial.data ? { currency: trial.data.base_currency } : {})} /> },
              { title: say('booked'), render: (_, row) => <Instant at={row.created_at} /> },
              { title: '', render: (_, row) => (may('fx.propose') && row.id === last ? <Button size="small" loading={reverse.busy} onClick={() => void reverse.run({ path: '/fx/reversals', body: { id: row.id } })}>{say('reverse')}</Button> : null) },
            ]} />
          )}
        </Async>
        <Async of={trial}>
          {(data) => (
            <Card size="small" title={`${say('byCurrency')} ${data.as_of}`}>
              <Table<Line> size="small" rowKey={(row) => row.code + row.currency} pagination={false} dataSource={data.lines ?? []} locale={empty(say('nothing'))} scroll={{ x: 'max-content' }} columns={[
                { title: say('account'), render: (_, row) => <A href={`/accounts/${row.code}?currency=${row.currency}`}><span className="num">{row.code}</span> {both(lang, row.name_zh, row.name_en)}</A> },
                { title: say('currency'), dataIndex: 'currency' },
                { title: say('balance'), align: 'right', render: (_, row) => <Money minor={row.debit_minor - row.credit_minor} currency={row.currency} /> },
                { title: say('baseWorth'), align: 'right', render: (_, row) => ((data.missing_rates ?? []).includes(row.currency) ? '—' : <Money minor={row.base_minor} currency={data.base_currency} />) },
              ]} />
            </Card>
          )}
        </Async>
      </div>
      {form === 'rates' ? (
        <FormModal<{ date: Dayjs; source: string; currency: string; rate: string }> title={say('addRates')} onClose={() => setForm(undefined)} stale={['/proposals', '/fx']} done={say('proposed')}
          act={(values) => ({ path: '/fx/rates', body: { date: values.date.format('YYYY-MM-DD'), source: values.source, rates: [{ currency: values.currency, rate: values.rate }] } })}>
          <Form.Item name="date" label={say('date')} rules={[{ required: true }]}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="currency" label={say('currency')} rules={[{ required: true }]}><Select options={['USD', 'EUR', 'GBP', 'HKD', 'JPY'].map((one) => ({ value: one, label: one }))} /></Form.Item>
          <Form.Item name="rate" label={say('rate')} extra={say('rateHint')} rules={[{ required: true, pattern: /^(?!0+(\.0+)?$)\d{1,6}(\.\d{1,8})?$/, message: say('rateForm') }]}><Input inputMode="decimal" className="num" /></Form.Item>
          <Form.Item name="source" label={say('source')} rules={[{ required: true }]}><Input maxLength={80} /></Form.Item>
        </FormModal>
      ) : null}
      {form === 'revalue' ? (
        <FormModal<{ date: Dayjs }> title={say('revalue')} onClose={() => setForm(undefined)} stale={['/fx', '/ledger']} done={say('saved')} act={(values) => ({ path: '/fx/revaluations', body: { date: values.date.format('YYYY-MM-DD') } })}>
          <Form.Item name="date" label={say('date')} rules={[{ required: true }]}><DatePicker style={{ width: '100%' }} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
