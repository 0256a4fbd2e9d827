import { Alert, Button, Card, DatePicker, Form, Input, Statistic, Table, Upload } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { Chart, type ChartOption } from '../../widget/Chart'
import { percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { RateInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Instant, Rate, StateTag } from '../../widget/values'
import { lprWords } from './lprWords'

export type LprRow = { published_on: string; lpr_1y: string; lpr_5y: string; origin: 'built_in' | 'institution'; certainty: 'verified' | 'general_knowledge' | 'derived_unchanged'; source: string; version: number; irregular: boolean; at?: string }
export type LprTable = { items: LprRow[]; missing: string[]; next_on: string }

const stale = ['/benchmarks', '/proposals']

function AddForm({ onClose }: { onClose: () => void }) {
  const say = useWords(lprWords)
  return (
    <FormModal<{ on: Dayjs; one: string; five: string; source: string }> title={say('add')} onClose={onClose} stale={stale} done={say('proposed')} act={(values) => ({ path: '/benchmarks/lpr', body: { publications: [{ published_on: values.on.format('YYYY-MM-DD'), lpr_1y: values.one, lpr_5y: values.five }], source: values.source } })}>
      <div className="fields">
        <Form.Item name="on" label={say('on')} rules={[{ required: true, message: say('required') }]}><DatePicker /></Form.Item>
        <Form.Item name="one" label={say('one')} rules={[{ required: true, message: say('required') }]}><RateInput /></Form.Item>
        <Form.Item name="five" label={say('five')} rules={[{ required: true, message: say('required') }]}><RateInput /></Form.Item>
      </div>
      <Form.Item name="source" label={say('source')} extra={say('sourceHint')} rules={[{ required: true, message: say('required') }]}><Input maxLength={300} /></Form.Item>
    </FormModal>
  )
}

function FileForm({ onClose }: { onClose: () => void }) {
  const say = useWords(lprWords)
  return (
    <FormModal<{ csv: string; source: string }> title={say('file')} width={640} onClose={onClose} stale={stale} done={say('proposed')} act={(body) => ({ path: '/benchmarks/lpr', body })}>
      {(form) => (
        <>
          <Upload accept=".csv,.txt" showUploadList={false} beforeUpload={(chosen) => { void chosen.text().then((text) => form.setFieldsValue({ csv: text, source: form.getFieldValue('source') ?? chosen.name })); return false }}><Button>{say('choose')}</Button></Upload>
          <Form.Item name="csv" label={say('text')} extra={say('fileHint')} rules={[{ required: true, message: say('required') }]}><Input.TextArea rows={8} maxLength={65536} className="mono" /></Form.Item>
          <Form.Item name="source" label={say('source')} extra={say('sourceHint')} rules={[{ required: true, message: say('required') }]}><Input maxLength={300} /></Form.Item>
        </>
      )}
    </FormModal>
  )
}

function History({ rows }: { rows: LprRow[] }) {
  const say = useWords(lprWords)
  const points = [...rows].reverse()
  const shown = (rate: string) => Number(percent(rate).replace('%', ''))
  const option: ChartOption = {
    tooltip: { trigger: 'axis', valueFormatter: (value) => `${Number(value).toFixed(2)}%` },
    xAxis: { type: 'category', data: points.map((row) => row.published_on) },
    yAxis: { type: 'value', scale: true, axisLabel: { formatter: (value: number) => `${value.toFixed(2)}%` } },
    dataZoom: [{ type: 'inside' }],
    series: [
      { type: 'line', step: 'end', showSymbol: false, name: say('one'), data: points.map((row) => shown(row.lpr_1y)) },
      { type: 'line', step: 'end', showSymbol: false, name: say('five'), data: points.map((row) => shown(row.lpr_5y)) },
    ],
  }
  return <Card size="small" title={say('history')}><Chart option={option} label={say('history')} height={260} /></Card>
}

export default function Lpr() {
  const say = useWords(lprWords)
  const may = useMay()
  const [doing, setDoing] = useState<'add' | 'file'>()
  const found = useGet<LprTable>('/benchmarks/lpr')
  return (
    <div className="page">
      <PageHeader title={say('lpr')} hint={say('lprHint')} actions={may('benchmark.maintain') ? <><Button onClick={() => setDoing('file')}>{say('file')}</Button><Button type="primary" onClick={() => setDoing('add')} data-testid="lpr-add">{say('add')}</Button></> : null} />
      <Async of={found}>
        {(data) => {
          const newest = data.items[0]
          return (
            <div className="stack">
              {data.missing.length > 0 ? <Alert type="warning" showIcon title={say('missing') + data.missing.join('、')} /> : null}
              <div className="tiles">
                <Card size="small"><Statistic title={`${say('one')} · ${newest?.published_on ?? ''}`} value={percent(newest?.lpr_1y)} /></Card>
                <Card size="small"><Statistic title={`${say('five')} · ${newest?.published_on ?? ''}`} value={percent(newest?.lpr_5y)} /></Card>
                <Card size="small"><Statistic title={say('next')} value={data.next_on} /></Card>
              </div>
              <History rows={data.items} />
              <Table<LprRow> size="small" rowKey="published_on" dataSource={data.items} pagination={{ pageSize: 24, hideOnSinglePage: true }} scroll={{ x: 'max-content' }} columns={[
                { title: say('on'), render: (_, row) => <span className="row"><DateText date={row.published_on} />{row.irregular ? <StateTag text={say('irregular')} tone="warn" /> : null}</span> },
                { title: say('one'), align: 'right', render: (_, row) => <Rate rate={row.lpr_1y} /> },
                { title: say('five'), align: 'right', render: (_, row) => <Rate rate={row.lpr_5y} /> },
                { title: say('origin'), render: (_, row) => <StateTag text={say(row.origin)} tone={row.origin === 'institution' ? 'good' : 'plain'} /> },
                { title: say('certainty'), render: (_, row) => say(row.certainty) },
                { title: say('source'), dataIndex: 'source' },
                { title: say('at'), render: (_, row) => (row.at ? <Instant at={row.at} /> : null) },
              ]} />
            </div>
          )
        }}
      </Async>
      {doing === 'add' ? <AddForm onClose={() => setDoing(undefined)} /> : null}
      {doing === 'file' ? <FileForm onClose={() => setDoing(undefined)} /> : null}
    </div>
  )
}
