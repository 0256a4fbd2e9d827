import { Alert, App, Button, Card, Descriptions, Statistic } from 'antd'
import { useEffect } from 'react'
import { useAction, useGet, useInvalidate } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useGo, useId } from '../../shell/go'
import { JobFollow, jobLive, type Job } from '../../shell/JobBar'
import { Async } from '../../widget/Async'
import { count } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Instant } from '../../widget/values'
import { bytes } from './ImportWizard'
import { ImportState, useKind } from './Imports'
import type { Batch, Report } from './types'
import { intakeWords } from './words'

const classes = [
  ['rows', 'rows'], ['accepted', 'accepted'], ['rejected', 'rejected'], ['blank', 'blank'], ['valid', 'valid'], ['void', 'void'], ['void_padded', 'voidPadded'], ['red', 'red'], ['zero', 'zero'],
  ['duplicate', 'duplicate'], ['mismatch', 'mismatch'], ['unknown_firm', 'unknownFirm'], ['firms_created', 'firmsCreated'], ['firms_updated', 'firmsUpdated'], ['labelled', 'labelled'], ['defaulted', 'defaulted'], ['firms', 'firms'], ['counterparties', 'counterparties'],
] as const satisfies readonly (readonly [keyof Report, keyof typeof intakeWords])[]

function Classes({ report, kind }: { report: Report; kind: string }) {
  const say = useWords(intakeWords)
  const lang = useLang()
  const onlyInvoices = new Set(['valid', 'void', 'void_padded', 'red', 'zero', 'duplicate', 'mismatch', 'counterparties'])
  const onlyFirms = new Set(['labelled', 'defaulted', 'firms_updated'])
  const shown = classes.filter(([key]) => (kind === 'firms' ? !onlyInvoices.has(key) : !onlyFirms.has(key)))
  return (
    <Card size="small" title={say('classes')} extra={<span className="muted">{say('classesHint')}</span>}>
      <div className="tiles">{shown.map(([key, word]) => <Statistic key={key} title={say(word)} value={count(report[key] ?? 0, lang)} styles={{ content: { fontSize: 20 } }} />)}</div>
    </Card>
  )
}

/** An import whose job ended before the file was whole: it waits for a person to resume or to give it up. */
function Stopped({ batch }: { batch: Batch }) {
  const say = useWords(intakeWords)
  const lang = useLang()
  const { modal } = App.useApp()
  const job = useGet<Job>(batch.job_id ? `/jobs/${batch.job_id}` : undefined, undefined, { every: (data) => (data === undefined || jobLive(data.state) ? 1000 : false) })
  const discard = useAction({ stale: ['/imports', '/jobs'], done: say('discardDone') })
  if (batch.job_id && (!job.data || jobLive(job.data.state) || job.data.state === 'completed')) return null
  const ask = () => modal.confirm({ title: say('discardSure', { n: count(batch.staged, lang) }), okText: say('discard'), okButtonProps: { danger: true, 'data-testid': 'discard-ok' } as never, onOk: () => discard.run({ path: `/imports/${batch.id}/discard` }) })
  return <Alert type="warning" showIcon title={say('stopped')} description={say('stoppedHint')} action={<Button danger size="small" loading={discard.busy} onClick={ask} data-testid="discard">{say('discard')}</Button>} />
}

export default function ImportPage() {
  const say = useWords(intakeWords)
  const lang = useLang()
  const go = useGo()
  const kind = useKind()
  const id = useId()
  const invalidate = useInvalidate()
  const found = useGet<Batch>(`/imports/${id}`, undefined, { every: (batch) => (batch === undefined || batch.state === 'running' ? 1000 : false) })
  const state = found.data?.state
  useEffect(() => {
    if (state && state !== 'running') void invalidate('/firms', '/jobs')
  }, [state, invalidate])
  return (
    <div className="page">
      <Async of={found}>
        {(batch) => (
          <>
            <PageHeader title={batch.file_name} tag={<ImportState state={batch.state} />} crumbs={[{ text: say('imports'), href: '/imports' }, { text: batch.id }]} actions={<><Button onClick={() => go('/imports/new')}>{say('again')}</Button><Button type="primary" onClick={() => go('/firms')}>{say('seeFirms')}</Button></>} />
            {batch.job_id && batch.state !== 'unchanged' && batch.state !== 'discarded' ? <JobFollow id={batch.job_id} /> : null}
            {batch.state === 'running' ? <Stopped batch={batch} /> : null}
            {batch.state === 'discarded' ? <Alert type="info" showIcon title={say('discardedHint')} action={<Button size="small" onClick={() => go('/imports/new')}>{say('again')}</Button>} /> : null}
            {batch.state === 'unchanged' ? <Alert type="info" showIcon title={say('unchanged')} description={say('sameAs')} action={batch.same_as ? <Button size="small" onClick={() => go(`/imports/${batch.same_as!}`)}>{say('open')}</Button> : null} /> : null}
            <div className="tiles">
              <Card size="small"><Statistic title={say('inserted')} value={count(batch.inserted, lang)} /></Card>
              <Card size="small"><Statistic title={say('known')} value={count(batch.known, lang)} /></Card>
              <Card size="small"><Statistic title={say('bad')} value={count(batch.report.rejected, lang)} /></Card>
              <Card size="small"><Statistic title={say('size')} value={bytes(batch.file_bytes)} /></Card>
            </div>
            {batch.state !== 'running' && batch.state !== 'discarded' ? <Classes report={batch.report} kind={batch.kind} /> : null}
            {batch.report.error_count > 0 ? (
              <Card size="small" title={say('byCode')} extra={<Button href={`/api/v1/imports/${batch.id}/errors.xlsx`} type="primary" data-testid="errors">{say('download')}</Button>}>
                {Object.entries(batch.report.errors_by_code ?? {}).map(([code, n]) => <div key={code} className="row between" style={{ maxWidth: 480 }}><span className="mono">{code}</span><span className="num">{count(n, lang)}</span></div>)}
              </Card>
            ) : null}
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2 }} items={[
                { key: 'kind', label: say('kind'), children: kind(batch.kind, batch.report.direction) },
                { key: 'format', label: say('format'), children: `${batch.report.format} ${batch.report.encoding}` },
                { key: 'from', label: say('firstDate'), children: batch.report.first_date || '—' },
                { key: 'to', label: say('lastDate'), children: batch.report.last_date || '—' },
                { key: 'at', label: say('at'), children: <Instant at={batch.created_at} /> },
                { key: 'hash', label: say('hash'), children: <span className="mono">{batch.file_hash}</span> },
              ]} />
            </Card>
          </>
        )}
      </Async>
    </div>
  )
}
