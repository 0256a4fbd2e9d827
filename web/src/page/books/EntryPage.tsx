import { Alert, Button, Card, DatePicker, Descriptions, Form, Input } from 'antd'
import type { Dayjs } from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { objectHref, objectName } from '../../shell/objects'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Instant, useText } from '../../widget/values'
import { EntryLines, type Entry } from './Journal'
import { ledgerWords } from './ledgerWords'

export default function EntryPage() {
  const say = useWords(ledgerWords)
  const lang = useLang()
  const text = useText()
  const may = useMay()
  const id = useId()
  const [reversing, setReversing] = useState(false)
  const entry = useGet<Entry & { branch?: string; product?: string }>(`/journal-entries/${id}`)
  return (
    <div className="page">
      <PageHeader title={`${say('entry')} ${entry.data?.seq ?? ''}`} hint={text(entry.data?.memo)} actions={may('voucher.propose') ? <Button disabled={!entry.data} onClick={() => setReversing(true)}>{say('reverse')}</Button> : null} />
      <Async of={entry}>
        {(data) => {
          const href = objectHref(data.object, data.object_id)
          return (
            <div className="stack">
              <Alert type="success" showIcon title={say('verified')} />
              <Card size="small">
                <Descriptions size="small" column={{ xs: 1, md: 2 }} items={[
                  { key: 'date', label: say('date'), children: <DateText date={data.date} /> },
                  { key: 'object', label: say('object'), children: data.object ? <span>{objectName(data.object, lang)} {href ? <A href={href}><Id id={data.object_id} /></A> : <Id id={data.object_id} />}</span> : '—' },
                  { key: 'branch', label: say('branch'), children: data.branch ? <Id id={data.branch} /> : '—' },
                  { key: 'product', label: say('product'), children: data.product || '—' },
                  { key: 'booked', label: say('booked'), children: <Instant at={data.booked_at} /> },
                  { key: 'actor', label: say('actor'), children: <Id id={data.actor} /> },
                  { key: 'key', label: say('businessKey'), children: <span className="mono">{data.business_key}</span> },
                  { key: 'prev', label: say('prevHash'), children: <span className="mono">{data.prev_hash.slice(0, 24)}</span> },
                ]} />
              </Card>
              <EntryLines entry={data} />
            </div>
          )
        }}
      </Async>
      {reversing ? (
        <FormModal<{ date: Dayjs; reason: string }> title={say('reverse')} onClose={() => setReversing(false)} stale={['/proposals']} done={say('proposed')}
          act={(values) => ({ path: '/reversals', body: { entry_id: id, date: values.date.format('YYYY-MM-DD'), reason: values.reason } })}>
          <Form.Item name="date" label={say('date')} rules={[{ required: true }]}><DatePicker style={{ width: '100%' }} /></Form.Item>
          <Form.Item name="reason" label={say('reason')} rules={[{ required: true }]}><Input maxLength={200} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
