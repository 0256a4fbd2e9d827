import { Drawer, Empty } from 'antd'
import { useGet, type Page } from '../api/hooks'
import { useWords } from '../i18n/words'
import { Async } from '../widget/Async'
import { A } from './go'
import { JobBar, jobLive, type Job } from './JobBar'
import { jobWords } from './jobWords'

/** The newest jobs; asked every second while one of them runs. */
export default function JobDrawer({ onClose }: { onClose: () => void }) {
  const say = useWords(jobWords)
  const jobs = useGet<Page<Job>>('/jobs', { limit: 20 }, { every: (data) => (data?.items?.some((job) => jobLive(job.state)) ? 1000 : 5000) })
  return (
    <Drawer open onClose={onClose} title={say('title')} size={420} extra={<A href="/jobs" onClick={onClose}>{say('all')}</A>}>
      <Async of={jobs}>
        {(data) => ((data.items ?? []).length === 0 ? <Empty description={say('empty')} /> : <div className="stack">{(data.items ?? []).map((job) => <JobBar key={job.id} job={job} />)}</div>)}
      </Async>
    </Drawer>
  )
}
