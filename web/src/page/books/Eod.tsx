import { Alert, App, Button, Card, Statistic, Table } from 'antd'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { showJobs } from '../../shell/showJobs'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Instant, StateTag } from '../../widget/values'
import { booksWords } from './words'

type Run = { closing_date: string; next_date: string; step: string; collections: number; unanswered: number; loans: number; started_at: string; finished_at?: string; actor: string }
type Status = { business_date: string; business_day: boolean; loans_behind: number; open_payments: number; runs: Run[] | null }

export default function Eod() {
  const say = useWords(booksWords)
  const may = useMay()
  const { modal } = App.useApp()
  const status = useGet<Status>('/eod', undefined, { every: 5000 })
  const run = useAction({ stale: ['/eod', '/jobs', '/session', '/loans'], onDone: showJobs })
  const steps = ['catch_up', 'collect', 'roll', 'accrue', 'done'] as const
  const stepText = (code: string) => { const known = steps.find((one) => one === code); return known ? say(known) : code }
  const start = () => modal.confirm({ title: say('runEodSure', { date: status.data?.business_date ?? '' }), okText: say('runEod'), onOk: () => run.run({ path: '/eod', body: {} }) })
  return (
    <div className="page">
      <PageHeader title={say('eod')} hint={say('eodHint')} actions={may('eod.run') ? <Button type="primary" loading={run.busy} disabled={!status.data} onClick={start} data-testid="run-eod">{say('runEod')}</Button> : null} />
      <Async of={status}>
        {(data) => (
          <div className="stack">
            <div className="tiles">
              <Card size="small"><Statistic title={say('businessDate')} value={data.business_date} /></Card>
              <Card size="small"><Statistic title={say('loansBehind')} value={data.loans_behind} /></Card>
              <Card size="small"><Statistic title={say('openPayments')} value={data.open_payments} /></Card>
            </div>
            {data.business_day ? null : <Alert type="info" showIcon title={say('holiday')} />}
            <Table<Run> size="small" rowKey="closing_date" pagination={false} dataSource={data.runs ?? []} scroll={{ x: 'max-content' }} title={() => say('lastRun')} columns={[
              { title: say('closingDate'), render: (_, row) => <DateText date={row.closing_date} /> },
              { title: say('nextDate'), render: (_, row) => <DateText date={row.next_date} /> },
              { title: say('state'), render: (_, row) => <StateTag text={stepText(row.step)} tone={row.step === 'done' ? 'good' : 'busy'} /> },
              { title: say('loans'), dataIndex: 'loans', align: 'right', className: 'num' },
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
