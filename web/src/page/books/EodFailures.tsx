import { Alert, Button, Input, Form, Space } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref } from '../../shell/objects'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { FormModal } from '../../widget/FormModal'
import { instant } from '../../widget/format'
import { DateText, Id, Instant, StateTag, useText } from '../../widget/values'
import { stale, type Failure, type Run } from './eodTypes'
import { booksWords } from './words'

/** Loans that a night could not work: why, how often, retried one by one or together. */
export function EodFailures({ held }: { held: Run | undefined }) {
  const say = useWords(booksWords)
  const lang = useLang()
  const may = useMay()
  const text = useText()
  const [completing, setCompleting] = useState(false)
  const retry = useAction<{ worked: number; failed: number }>({ stale, done: say('retried') })
  const again = (closing_date: string, loan_ids?: string[]) => void retry.run({ path: '/eod/failures/retry', body: { closing_date, ...(loan_ids ? { loan_ids } : {}) } })
  return (
    <div className="stack">
      {held ? (
        <Alert
          type="error" showIcon title={say('heldBack', { date: held.closing_date, count: held.failed })} description={say('heldBackHint')}
          action={
            <Space orientation="vertical">
              {may('eod.run') ? <Button size="small" type="primary" loading={retry.busy} onClick={() => again(held.closing_date)} data-testid="retry-failures">{say('retryAll')}</Button> : null}
              {may('eod.complete') ? <Button size="small" danger onClick={() => setCompleting(true)} data-testid="complete-eod">{say('completeAnyway')}</Button> : null}
            </Space>
          }
        />
      ) : null}
      <DataTable<Failure>
        name="eod-failures"
        path="/eod/failures"
        prefix="f."
        fixed={{ open: true }}
        every={10_000}
        rowKey={(row) => row.closing_date + row.loan_id}
        empty={{ text: say('noFailures') }}
        columns={[
          { key: 'day', title: say('closingDate'), text: (row) => row.closing_date, render: (row) => <DateText date={row.closing_date} /> },
          { key: 'loan', title: say('loan'), text: (row) => row.loan_id, render: (row) => <A href={objectHref('loan', row.loan_id) ?? ''}><Id id={row.loan_id} /></A> },
          { key: 'step', title: say('step'), text: (row) => row.step },
          { key: 'reason', title: say('reason'), text: (row) => text(row.reason) },
          { key: 'code', title: say('code'), extra: true, text: (row) => row.code, render: (row) => <StateTag text={row.code} tone="bad" /> },
          { key: 'tries', title: say('tries'), numeric: true, text: (row) => String(row.tries) },
          { key: 'last', title: say('updated'), text: (row) => instant(row.last_at, lang), render: (row) => <Instant at={row.last_at} /> },
          { key: 'act', title: '', text: () => '', render: (row) => (may('eod.run') ? <Button size="small" loading={retry.busy} onClick={() => again(row.closing_date, [row.loan_id])}>{say('retry')}</Button> : null) },
        ]}
      />
      {completing && held ? (
        <FormModal<{ note: string }> title={say('completeAnyway')} danger onClose={() => setCompleting(false)} stale={stale} done={say('completing')} okText={say('completeAnyway')} act={(values) => ({ path: '/eod/complete', body: { closing_date: held.closing_date, note: values.note } })}>
          <Form.Item name="note" label={say('why')} extra={say('whyHint')} rules={[{ required: true, message: say('whyNeeded') }]}><Input.TextArea rows={3} maxLength={120} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
