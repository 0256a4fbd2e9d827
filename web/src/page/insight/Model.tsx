import { Alert, Button, Card, Descriptions, Form, Input, Statistic, Table } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant } from '../../widget/values'
import { CalibrationPlot, Characteristics, FoldPlot, KsPlot, RocPlot, SpreadText } from './ModelPlots'
import { ModelState } from './Models'
import type { ModelDetail } from './types'
import { insightWords } from './words'

function Actions({ model }: { model: ModelDetail }) {
  const say = useWords(insightWords)
  const may = useMay()
  const [verb, setVerb] = useState<'approve' | 'activate'>()
  return (
    <>
      {model.state === 'validated' && may('model.approve') ? <Button type="primary" onClick={() => setVerb('approve')}>{say('approve')}</Button> : null}
      {(model.state === 'approved' || model.state === 'retired') && may('model.approve') ? <Button type="primary" onClick={() => setVerb('activate')}>{say('activate')}</Button> : null}
      {verb ? (
        <FormModal<{ note: string }> title={say(verb)} onClose={() => setVerb(undefined)} stale={['/models']} done={verb === 'approve' ? say('approvedDone') : say('activatedDone')} act={(values) => ({ path: `/models/${model.id}/${verb}`, body: verb === 'approve' ? { note: values.note ?? '' } : {} })}>
          <p>{verb === 'approve' ? say('approveSure') : say('activateSure')}</p>
          {verb === 'approve' ? <Form.Item name="note" label={say('note')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={1000} showCount /></Form.Item> : null}
        </FormModal>
      ) : null}
    </>
  )
}

function Validation({ model }: { model: ModelDetail }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const { validation } = model
  return (
    <Card size="small" title={say('validation')}>
      <Descriptions size="small" column={{ xs: 1, md: 2 }} items={[
        ...(validation ? [
          { key: 'auc', label: say('auc'), children: <SpreadText spread={validation.auc} /> },
          { key: 'repeat', label: `${say('auc')} · ${validation.repeats}×${validation.fold_count}`, children: <SpreadText spread={validation.repeat_auc} /> },
          { key: 'ks', label: say('ks'), children: <SpreadText spread={validation.ks} /> },
          { key: 'brier', label: say('brier'), children: <SpreadText spread={validation.brier} /> },
          { key: 'slope', label: say('slope'), children: <span className="num">{validation.slope.toFixed(3)}</span> },
        ] : []),
        { key: 'sample', label: say('sample'), children: both(lang, model.sample.rule_zh, model.sample.rule_en) },
        { key: 'at', label: say('created'), children: <Instant at={model.trained_at} /> },
        ...(model.approved_at ? [{ key: 'approved', label: say('approvedDone'), children: <><Instant at={model.approved_at} /> {model.approval_note}</> }] : []),
        ...(model.activated_at ? [{ key: 'activated', label: say('activatedDone'), children: <Instant at={model.activated_at} /> }] : []),
        { key: 'hash', label: 'SHA-256', children: <span className="mono">{model.hash.slice(0, 24)}</span> },
      ]} />
    </Card>
  )
}

function Skipped({ model }: { model: ModelDetail }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const rows = model.sample.skipped ?? []
  if (rows.length === 0) return null
  return (
    <Card size="small" title={`${say('skipped')} (${rows.length})`}>
      <Table size="small" rowKey="firm_id" dataSource={rows} pagination={{ pageSize: 10, hideOnSinglePage: true }} showHeader={false} columns={[
        { render: (_, row) => <A href={`/firms/${row.firm_id}`} className="mono">{row.firm_id}</A> },
        { render: (_, row) => both(lang, row.zh, row.en) },
      ]} />
    </Card>
  )
}

export default function Model() {
  const say = useWords(insightWords)
  const lang = useLang()
  const id = useId()
  const found = useGet<ModelDetail>(`/models/${id}`)
  return (
    <div className="page">
      <Async of={found}>
        {(model) => (
          <>
            <PageHeader title={model.name} tag={<ModelState state={model.state} />} crumbs={[{ text: say('models'), href: '/models' }, { text: model.name }]} actions={<><Button href={`/api/v1/models/${id}/report?lang=${lang}`} target="_blank">{say('report')}</Button><Actions model={model} /></>} />
            <div className="tiles">
              <Card size="small"><Statistic title={say('samples')} value={model.sample.firms} /></Card>
              <Card size="small"><Statistic title={say('bads')} value={model.sample.bads} /></Card>
              {model.validation ? <Card size="small"><Statistic title={say('auc')} value={model.validation.repeat_auc.mean.toFixed(3)} /></Card> : null}
              {model.held_out_performance ? <Card size="small"><Statistic title={`KS · ${say('heldOut')}`} value={model.held_out_performance.ks.toFixed(3)} /></Card> : null}
              <Card size="small"><Statistic title={say('scoredFirms')} value={model.scored} /></Card>
              {model.scored > 0 ? <Card size="small"><Statistic title={say('stability')} value={model.stability.toFixed(3)} /></Card> : null}
            </div>
            {model.scored > 0 && model.stability >= 0.1 ? <Alert type="warning" showIcon title={both(lang, model.stability_zh, model.stability_en)} /> : null}
            {model.roc?.length ? (
              <div className="grid">
                <RocPlot points={model.roc} />
                <KsPlot points={model.roc} />
                {model.calibration?.length ? <CalibrationPlot bins={model.calibration} /> : null}
                {model.validation?.folds?.length ? <FoldPlot folds={model.validation.folds} /> : null}
              </div>
            ) : null}
            <Validation model={model} />
            {model.scorecard?.characteristics ? (
              <Card size="small" title={say('characteristics')}>
                <Characteristics items={model.scorecard.characteristics} {...(model.validation ? { chosen: model.validation.chosen, folds: model.validation.folds?.length ?? 0 } : {})} />
              </Card>
            ) : null}
            <Skipped model={model} />
          </>
        )}
      </Async>
    </div>
  )
}
