import { Button, Form, Input, InputNumber } from 'antd'
import { useState } from 'react'
import { useLang, useWords } from '../../i18n/words'
import { showJobs } from '../../shell/showJobs'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, StateTag, type Tone } from '../../widget/values'
import type { ModelSummary } from './types'
import { insightWords } from './words'

const states = ['draft', 'validated', 'approved', 'active', 'retired'] as const
const tones: Record<string, Tone> = { validated: 'warn', approved: 'busy', active: 'good' }

export function ModelState({ state }: { state: string }) {
  const say = useWords(insightWords)
  const known = states.find((one) => one === state)
  return <StateTag text={known ? say(known) : state} tone={tones[state] ?? 'plain'} />
}

export default function Models() {
  const say = useWords(insightWords)
  const lang = useLang()
  const may = useMay()
  const [training, setTraining] = useState(false)
  const train = may('model.train') ? <Button type="primary" onClick={() => setTraining(true)} data-testid="train">{say('train')}</Button> : null
  return (
    <div className="page">
      <PageHeader title={say('models')} hint={say('modelsHint')} actions={train} />
      <DataTable<ModelSummary>
        name="models"
        path="/models"
        every={15_000}
        rowKey={(model) => model.id}
        href={(model) => `/models/${model.id}`}
        empty={{ text: say('noModels'), action: train }}
        columns={[
          { key: 'name', title: say('name'), text: (model) => model.name, render: (model) => <b>{model.name}</b> },
          { key: 'state', title: say('status'), text: (model) => model.state, render: (model) => <ModelState state={model.state} /> },
          { key: 'samples', title: say('samples'), numeric: true, text: (model) => String(model.samples) },
          { key: 'bads', title: say('bads'), numeric: true, text: (model) => String(model.bads) },
          { key: 'auc', title: say('auc'), numeric: true, text: (model) => (typeof model.auc === 'number' ? `${model.auc.toFixed(3)} ± ${(model.auc_std ?? 0).toFixed(3)}` : '') },
          { key: 'ks', title: say('ks'), numeric: true, text: (model) => model.ks?.toFixed(3) ?? '' },
          { key: 'at', title: say('created'), text: (model) => instant(model.trained_at, lang), render: (model) => <Instant at={model.trained_at} /> },
        ]}
      />
      {training ? (
        <FormModal<{ name: string; as_of?: string; folds: number; repeats: number }> title={say('train')} onClose={() => setTraining(false)} stale={['/models', '/jobs']} done={say('started')} onDone={showJobs} initial={{ folds: 5, repeats: 20 }} act={(values) => ({ path: '/models/train', body: values })}>
          <p className="muted">{say('trainHint')}</p>
          <Form.Item name="name" label={say('name')} rules={[{ required: true, message: say('required') }]}><Input maxLength={100} /></Form.Item>
          <Form.Item name="as_of" label={say('trainAsOf')} extra={say('trainAsOfHint')}><Input maxLength={10} placeholder="YYYY-MM-DD" /></Form.Item>
          <div className="row">
            <Form.Item name="folds" label={say('foldCount')}><InputNumber min={2} max={20} /></Form.Item>
            <Form.Item name="repeats" label={say('repeats')}><InputNumber min={1} max={100} /></Form.Item>
          </div>
        </FormModal>
      ) : null}
    </div>
  )
}
