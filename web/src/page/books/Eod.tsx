import { Alert, App, Button, Card, Space, Statistic, Table, Tooltip } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { showJobs } from '../../shell/showJobs'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Instant, StateTag } from '../../widget/values'
import { EodFailures } from './EodFailures'
import { EodProgress } from './EodProgress'
import { EodSettings } from './EodSettings'
import { stale, type Run, type Status } from './eodTypes'
import { booksWords } from './words'

export default function Eod() {
  const say = useWords(booksWords)
  const may = useMay()
  const { modal } = App.useApp()
  const status = useGet<Status>('/eod', undefined, { every: (data) => (data?.current ? 1000 : 5000) })
  const run = useAction({ stale, onDone: showJobs })
  const [configuring, setConfiguring] = useState(false)
  const steps = ['catch_up', 'collect', 'roll', 'accrue', 'rate_reset', 'gl_posting', 'report', 'done'] as const
  const stepText = (code: string) => { const known = steps.find((one) => one === code); return known ? say(known) : code }
  const start = () => modal.confirm({ title: say('runEodSure', { date: status.data?.business_date ?? '' }), okText: say('runEod'), onOk: () => run.run({ path: '/eod', body: {} }) })
  return (
    <div className="page">
      <PageHeader title={say('eod')} hint={say('eodHint')} actions={<Space wrap>{may('eod.configure') ? <Button onClick={() => setConfiguring(true)} data-testid="eod-settings">{say('eodSettings')}</Button> : null}{may('eod.run') ? <Button type="primary" loading={run.busy} disabled={!status.data} onClick={start} data-testid="run-eod">{say('runEod')}</Button> : null}</Space>} />
      {configuring ? <EodSettings onClose={() => setConfiguring(false)} /> : null}
      <Async of={status}>
        {(data) => (
          <div className="stack">
            <div className="tiles">
              <Card size="small"><Statistic title={say('businessDate')} value={data.business_date} /></Card>
              <Card size="small"><Statistic title={say('loansBehind')} value={data.loans_behind} /></Card>
              <Card size="small"><Statistic title={say('openPayments')} value={data.open_payments} /></Card>
              <Card size="small"><Statistic title={say('openFailures')} value={data.open_failures} /></Card>
            </div>
            {data.current ? <EodProgress current={data.current} mayResume={may('eod.run')} busy={run.busy} resume={() => void run.run({ path: '/eod/resume', body: {} })} /> : null}
            {data.open_failures > 0 ? <EodFailures held={data.runs?.find((one) => one.step !== 'done' && one.failed > 0)} /> : null}
            {data.business_day ? null : <Alert type="info" showIcon title={say('holiday')} />}
            <Table<Run> size="small" rowKey="closing_date" pagination={false} dataSource={data.runs ?? []} scroll={{ x: 'max-content' }} title={() => say('history')} locale={{ emptyText: say('noRuns') }} columns={[
              { title: say('closingDate'), render: (_, row) => <DateText date={row.closing_date} /> },
              { title: say('nextDate'), render: (_, row) => (row.step === 'done' ? <A href={`/ageing?as_of=${row.next_date}`}><DateText date={row.next_date} /></A> : <DateText date={row.next_date} />) },
              { title: say('state'), render: (_, row) => <StateTag text={stepText(row.step)} tone={row.step === 'done' ? 'good' : 'busy'} /> },
              { title: say('loans'), dataIndex: 'loans', align: 'right', className: 'num' },
              { title: say('failed'), align: 'right', className: 'num', render: (_, row) => (row.accepted ? <Tooltip title={row.accepted}><span>{row.failed}</span></Tooltip> : row.failed) },
              { title: say('collections'), dataIndex: 'collections', align: 'right', className: 'num' },
              { title: say('unanswered'), dataIndex: 'unanswered', align: 'right', className: 'num' },
              { title: say('started'), render: (_, row) => <Instant at={row.started_at} /> },
              { title: say('finished'), render: (_, row) => <Instant at={row.finished_at} /> },
            ]} />
          </div>
        )}
      </Async>
    </div>
  )
}
