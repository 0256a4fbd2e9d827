import { App, Button, Progress } from 'antd'
import { useAction, useGet } from '../api/hooks'
import { useLang, useWords, type Lang } from '../i18n/words'
import { Async } from '../widget/Async'
import { count, duration } from '../widget/format'
import { StateTag, type Tone } from '../widget/values'
import { A } from './go'
import { jobWords } from './jobWords'
import { objectHref } from './objects'

export type Job = {
  id: string
  kind: string
  title: string
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelling' | 'cancelled'
  done: number
  total: number
  rate_per_second?: number
  eta_seconds?: number
  error?: string
  object?: string
  object_id?: string
  result?: unknown
  created_at: string
  can_resume?: boolean
}

const tones: Record<string, Tone> = { queued: 'plain', running: 'busy', done: 'good', failed: 'bad', cancelling: 'warn', cancelled: 'warn' }

export const jobLive = (state: string | undefined) => state === 'queued' || state === 'running' || state === 'cancelling'

export function JobState({ state }: { state: string }) {
  const say = useWords(jobWords)
  return <StateTag text={state in jobWords ? say(state as keyof typeof jobWords) : state} tone={tones[state] ?? 'plain'} />
}

/** Numbers of a job's result, as "name: value" pairs; nested parts are left to the page of the object. */
function resultText(result: unknown, lang: Lang): string {
  if (typeof result !== 'object' || result === null) return ''
  return Object.entries(result).filter(([, value]) => typeof value === 'number' || typeof value === 'string').slice(0, 8).map(([name, value]) => `${name} ${typeof value === 'number' ? count(value, lang) : value}`).join(' · ')
}

/** One job: what it is, how far it is, how fast, how long still, and what can be done. */
export function JobBar({ job, plain }: { job: Job; plain?: boolean }) {
  const say = useWords(jobWords)
  const lang = useLang()
  const { modal } = App.useApp()
  const act = useAction({ stale: ['/jobs'] })
  const percent = job.total > 0 ? Math.min(100, Math.floor((job.done / job.total) * 100)) : job.state === 'done' ? 100 : 0
  const link = objectHref(job.object, job.object_id)
  const cancel = () => modal.confirm({ title: say('cancelSure'), okText: say('cancel'), onOk: () => act.run({ path: `/jobs/${job.id}/cancel` }) })
  return (
    <div style={plain ? {} : { border: '1px solid var(--line)', borderRadius: 8, padding: 12 }}>
      <div className="row between">
        <div className="row"><b>{link ? <A href={link}>{job.title || job.kind}</A> : job.title || job.kind}</b><JobState state={job.state} /></div>
        <div className="row">
          {jobLive(job.state) && job.state !== 'cancelling' ? <Button size="small" onClick={cancel} loading={act.busy}>{say('cancel')}</Button> : null}
          {job.state === 'failed' || job.state === 'cancelled' ? <Button size="small" type="primary" loading={act.busy} onClick={() => void act.run({ path: `/jobs/${job.id}/resume` })}>{say('resume')}</Button> : null}
        </div>
      </div>
      <Progress percent={percent} size="small" status={job.state === 'failed' ? 'exception' : job.state === 'done' ? 'success' : job.state === 'running' ? 'active' : 'normal'} />
      <div className="muted num" style={{ whiteSpace: 'normal' }}>
        {job.total > 0 ? `${count(job.done, lang)} / ${count(job.total, lang)}` : null}
        {job.state === 'running' && job.rate_per_second ? ` · ${say('rate', { n: count(Math.round(job.rate_per_second), lang) })}` : null}
        {job.state === 'running' && job.eta_seconds ? ` · ${say('eta', { t: duration(job.eta_seconds, lang) })}` : null}
      </div>
      {job.error ? <div style={{ color: '#d4380d' }}>{job.error}</div> : null}
      {job.state === 'done' && job.result ? <div className="muted">{say('result')}：{resultText(job.result, lang)}</div> : null}
    </div>
  )
}

/** A job by id, followed until it ends. */
export function JobFollow({ id }: { id: string }) {
  const job = useGet<Job>(`/jobs/${id}`, undefined, { every: (data) => (data === undefined || jobLive(data.state) ? 1000 : false) })
  return <Async of={job}>{(data) => <JobBar job={data} />}</Async>
}
