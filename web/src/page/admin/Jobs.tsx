import { Drawer } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { JobFollow, JobState, type Job } from '../../shell/JobBar'
import { jobWords } from '../../shell/jobWords'
import { DataTable } from '../../widget/DataTable'
import { count, instant } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant } from '../../widget/values'

export default function Jobs() {
  const say = useWords(jobWords)
  const lang = useLang()
  const [url, setUrl] = useUrlState()
  const states = ['queued', 'running', 'cancelling', 'cancelled', 'failed', 'completed'] as const
  return (
    <div className="page">
      <PageHeader title={say('title')} />
      <DataTable<Job>
        name="jobs"
        path="/jobs"
        every={5000}
        rowKey={(job) => job.id}
        onOpen={(job) => setUrl({ id: job.id })}
        empty={{ text: say('empty') }}
        filters={[{ kind: 'choice', name: 'state', label: say('state'), options: states.map((value) => ({ value, label: say(value) })) }]}
        columns={[
          { key: 'kind', title: say('kind'), text: (job) => both(lang, job.kind_zh, job.kind_en) },
          { key: 'state', title: say('state'), text: (job) => job.state, render: (job) => <JobState state={job.state} /> },
          { key: 'progress', title: say('progress'), numeric: true, text: (job) => (job.total > 0 ? `${count(job.done, lang)} / ${count(job.total, lang)}` : '—') },
          { key: 'by', title: say('by'), text: (job) => job.actor_name },
          { key: 'created', title: say('created'), text: (job) => instant(job.created_at, lang), render: (job) => <Instant at={job.created_at} /> },
        ]}
      />
      {url.id ? <Drawer open title={say('title')} size={480} onClose={() => setUrl({ id: undefined })}><JobFollow id={url.id} /></Drawer> : null}
    </div>
  )
}
