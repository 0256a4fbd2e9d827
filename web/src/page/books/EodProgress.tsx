import { Alert, Button, Card, Progress, Space, Statistic, Table } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { count } from '../../widget/format'
import { Instant, StateTag, useText } from '../../widget/values'
import type { Current, Part } from './eodTypes'
import { booksWords } from './words'

/** How long something takes, as people say it. */
export function duration(seconds: number): string {
  if (seconds < 0) return '—'
  const h = Math.floor(seconds / 3600), m = Math.floor((seconds % 3600) / 60), s = seconds % 60
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** The step that runs now: how much, how fast, how long still, and who has which part of it. */
export function EodProgress({ current, mayResume, resume, busy }: { current: Current; mayResume: boolean; resume: () => void; busy: boolean }) {
  const say = useWords(booksWords)
  const lang = useLang()
  const text = useText()
  const [open, setOpen] = useState(false)
  const parts = useGet<{ items: Part[] }>(open ? '/eod/parts' : undefined, { closing_date: current.closing_date }, { every: 2000 })
  const worked = current.done + current.failed
  const percent = current.loans > 0 ? Math.min(100, Math.floor((worked * 100) / current.loans)) : 0
  const still = current.working === 0 && (current.parts > 0 || current.failed > 0)
  const states = { waiting: say('partWaiting'), working: say('partWorking'), finished: say('done') }
  return (
    <Card size="small" title={`${current.closing_date} · ${text(current.text) || current.step}`} extra={<Button size="small" onClick={() => setOpen(!open)} data-testid="eod-parts">{say('parts')}</Button>}>
      <div className="stack">
        <Progress percent={percent} status={current.failed > 0 ? 'exception' : 'active'} format={() => `${percent}%`} />
        <Space size="large" wrap>
          <Statistic title={say('worked')} value={`${count(worked, lang)} / ${count(current.loans, lang)}`} />
          <Statistic title={say('rate')} value={count(current.loans_per_second, lang)} />
          <Statistic title={say('eta')} value={duration(current.eta_seconds)} />
          <Statistic title={say('failed')} value={count(current.failed, lang)} {...(current.failed > 0 ? { styles: { content: { color: 'var(--ant-color-error)' } } } : {})} />
          <Statistic title={say('parts')} value={`${current.parts_finished} / ${current.parts}`} />
        </Space>
        {still ? <Alert type="warning" showIcon title={say('stoppedRun')} action={mayResume ? <Button size="small" loading={busy} onClick={resume} data-testid="resume-eod">{say('resume')}</Button> : null} /> : null}
        {open ? (
          <Table<Part> size="small" rowKey={(row) => `${row.step}${row.no}`} pagination={{ pageSize: 20, hideOnSinglePage: true }} dataSource={parts.data?.items ?? []} loading={!parts.data} scroll={{ x: 'max-content' }} columns={[
            { title: say('part'), dataIndex: 'no', align: 'right', className: 'num' },
            { title: say('step'), dataIndex: 'step' },
            { title: say('state'), render: (_, row) => <StateTag text={states[row.state]} tone={row.state === 'finished' ? 'good' : row.state === 'working' ? 'busy' : 'plain'} /> },
            { title: say('worked'), align: 'right', className: 'num', render: (_, row) => `${count(row.done, lang)} / ${count(row.loans, lang)}` },
            { title: say('failed'), dataIndex: 'failed', align: 'right', className: 'num' },
            { title: say('updated'), render: (_, row) => <Instant at={row.updated_at} /> },
          ]} />
        ) : null}
      </div>
    </Card>
  )
}
