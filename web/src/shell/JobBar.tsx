import { App, Button, Progress } from 'antd'
import { useAction, useGet } from '../api/hooks'
import { useLang, useWords, type Lang } from '../i18n/words'
import { Async } from '../widget/Async'
import { count, duration } from '../widget/format'
import { both, StateTag, type Tone } from '../widget/values'
import { A } from './go'
import { jobWords } from './jobWords'
import { objectHref } from './objects'

export type JobProblem = { at: string; code: string; message_zh: string; message_en: string; remedy_zh?: string; remedy_en?: string; field?: string; row?: number }
export type Job = {
  id: string
  kind: string
  kind_zh: string
  kind_en: string
  object: string
  object_id: string
  state: 'queued' | 'running' | 'cancelling' | 'cancelled' | 'failed' | 'completed'
  done: number
  total: number
  rate_per_second: number
  eta_seconds: number
  message_zh: string
  message_en: string
  errors: JobProblem[]
  error_count: number
  result?: unknown
  actor_name: string
  created_at: string
  started_at?: string
  finished_at?: string
}

const tones: Record<string, Tone> = { queued: 'plain', running: 'busy', completed: 'good', failed: 'bad', cancelling: 'warn', cancelled: 'warn' }

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
  const percent = job.total > 0 ? Math.min(100, Math.floor((job.done / job.total) * 100)) : job.state === 'completed' ? 100 : 0
  const title = both(lang, job.kind_zh, job.kind_en) || job.kind
  const link = objectHref(job.object, job.object_id)
  const cancel = () => modal.confirm({ title: say('cancelSure'), okText: say('cancel'), onOk: () => act.run({ path: `/jobs/${job.id}/cancel` }) })
  return (
    <div style={plain ? {} : { border: '1px solid var(--line)', borderRadius: 8, padding: 12 }}>
      <div className="row between">
        <div className="row"><b>{link ? <A href={link}>{title}</A> : title}</b><JobState state={job.state} /></div>
        <div className="row">
          {jobLive(job.state) && job.state !== 'cancelling' ? <Button size="small" onClick={cancel} loading={act.busy}>{say('cancel')}</Button> : null}
          {job.state === 'failed' || job.state === 'cancelled' ? <Button size="small" type="primary" loading={act.busy} onClick={() => void act.run({ path: `/jobs/${job.id}/resume` })}>{say('resume')}</Button> : null}
        </div>
      </div>
      <Progress percent={percent} size="small" status={job.state === 'failed' ? 'exception' : job.state === 'completed' ? 'success' : job.state === 'running' ? 'active' : 'normal'} />
      <div className="muted num" style={{ whiteSpace: 'normal' }}>
        {job.total > 0 ? `${count(job.done, lang)} / ${count(job.total, lang)}` : null}
        {job.state === 'running' && job.rate_per_second ? ` · ${say('rate', { n: count(Math.round(job.rate_per_second), lang) })}` : null}
        {job.state === 'running' && job.eta_seconds > 0 ? ` · ${say('eta', { t: duration(job.eta_seconds, lang) })}` : null}
      </div>
      {both(lang, job.message_zh, job.message_en) ? <div>{both(lang, job.message_zh, job.message_en)}</div> : null}
      {(job.errors ?? []).slice(0, 3).map((error, index) => (
        <div key={index} style={{ overflowWrap: 'anywhere' }}>
          <span style={{ color: '#d4380d' }}>{error.row ? `#${error.row} ` : ''}{error.field ? `${error.field} ` : ''}{both(lang, error.message_zh, error.message_en)}</span>
          <div className="muted">{both(lang, error.remedy_zh, error.remedy_en)}</div>
        </div>
      ))}
      {job.state === 'completed' && job.result ? <div className="muted">{say('result')}：{resultText(job.result, lang)}</div> : null}
    </div>
  )
}

/** A job by id, followed until it ends. */
export function JobFollow({ id }: { id: string }) {
  const job = useGet<Job>(`/jobs/${id}`, undefined, { every: (data) => (data === undefined || jobLive(data.state) ? 1000 : false) })
  return <Async of={job}>{(data) => <JobBar job={data} />}</Async>
}
