import { App, Button, Form, Input, InputNumber, Space, Table } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, StateTag } from '../../widget/values'
import { ledgerWords } from './ledgerWords'

type Period = { month: string; state: 'open' | 'closed'; changed_at?: string; changed_by: string; note: string }

export default function Periods() {
  const say = useWords(ledgerWords)
  const may = useMay()
  const { modal } = App.useApp()
  const periods = useGet<{ items: Period[] }>('/periods')
  const close = useAction({ stale: ['/periods'], done: say('saved') })
  const [form, setForm] = useState<'year' | string>()
  const last = periods.data?.items.find((one) => one.state === 'closed')?.month
  return (
    <div className="page">
      <PageHeader title={say('periods')} hint={say('periodsHint')} actions={may('period.close') ? <Button onClick={() => setForm('year')}>{say('yearEnd')}</Button> : null} />
      <Async of={periods}>
        {(data) => (
          <Table<Period> size="small" rowKey="month" pagination={{ pageSize: 24, hideOnSinglePage: true }} dataSource={data.items} columns={[
            { title: say('month'), dataIndex: 'month', className: 'num' },
            { title: say('state'), render: (_, row) => <StateTag text={say(row.state)} tone={row.state === 'open' ? 'good' : 'plain'} /> },
            { title: say('changed'), render: (_, row) => (row.changed_at ? <Instant at={row.changed_at} /> : '—') },
            { title: say('reason'), dataIndex: 'note' },
            {
              title: '',
              render: (_, row, at) => (
                <Space wrap>
                  {may('period.close') && row.state === 'open' && at > 0 ? <Button size="small" loading={close.busy} onClick={() => modal.confirm({ title: say('closeSure', { month: row.month }), okText: say('close'), onOk: () => close.run({ path: '/periods/close', body: { month: row.month } }) })}>{say('close')}</Button> : null}
                  {may('period.close') && row.month === last ? <Button size="small" onClick={() => setForm(row.month)}>{say('reopen')}</Button> : null}
                </Space>
              ),
            },
          ]} />
        )}
      </Async>
      {form === 'year' ? (
        <FormModal<{ year: number }> title={say('yearEnd')} onClose={() => setForm(undefined)} stale={['/proposals']} done={say('proposed')} act={(values) => ({ path: '/periods/year', body: values })}>
          <Form.Item name="year" label={say('year')} rules={[{ required: true }]}><InputNumber min={2000} max={2100} precision={0} style={{ width: '100%' }} /></Form.Item>
        </FormModal>
      ) : null}
      {form && form !== 'year' ? (
        <FormModal<{ reason: string }> title={`${say('reopen')} ${form}`} onClose={() => setForm(undefined)} stale={['/proposals']} done={say('proposed')} act={(values) => ({ path: '/periods/reopen', body: { month: form, reason: values.reason } })}>
          <Form.Item name="reason" label={say('reason')} rules={[{ required: true }]}><Input maxLength={200} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
