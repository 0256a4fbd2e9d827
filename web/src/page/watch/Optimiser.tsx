import { Button, Card, Form, Switch } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { Async } from '../../widget/Async'
import { MoneyInput, RateInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { BookView } from './BookView'
import type { Optimised } from './bookTypes'
import { watchWords } from './words'

type Fields = { budget_minor: number; min_minor: number; max_minor: number; min_rate: string; max_rate: string; lgd: string; funding_rate: string; lot_minor: number; rate_step?: string; respect_limits: boolean }

const initial: Fields = { budget_minor: 100_000_000_00, min_minor: 100_000_00, max_minor: 1_000_000_00, min_rate: '0.04', max_rate: '0.15', lgd: '0.45', funding_rate: '0.018', lot_minor: 10_000_00, respect_limits: false }

export default function Optimiser() {
  const say = useWords(watchWords)
  const [url] = useUrlState()
  const [result, setResult] = useState<Optimised>()
  const run = useAction<Optimised>({ stale: ['/portfolio'], onDone: setResult })
  const kept = useGet<Optimised>(url.run && !result ? `/portfolio/optimisations/${url.run}` : undefined)
  const must = [{ required: true, message: say('required') }]
  return (
    <div className="page">
      <PageHeader title={say('optimiser')} hint={say('optimiserHint')} crumbs={[{ text: say('portfolio'), href: '/portfolio' }, { text: say('optimiser') }]} />
      <Card size="small">
        <Form<Fields> layout="vertical" initialValues={initial} onFinish={(values) => void run.run({ path: '/portfolio/optimise', body: { ...values, frontier_points: 40 } })}>
          <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 180px), 1fr))' }}>
            <Form.Item name="budget_minor" label={say('budget')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="min_minor" label={say('minimum')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="max_minor" label={say('maximum')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="min_rate" label={say('minRate')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="max_rate" label={say('maxRate')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="lgd" label={say('lgd')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="funding_rate" label={say('funding')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="lot_minor" label={say('lot')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="rate_step" label={say('rateStep')}><RateInput /></Form.Item>
            <Form.Item name="respect_limits" label={say('respectLimits')} valuePropName="checked"><Switch /></Form.Item>
          </div>
          <Button type="primary" htmlType="submit" loading={run.busy} data-testid="optimise">{say('run')}</Button>
        </Form>
      </Card>
      {result ? <BookView result={result} /> : url.run ? <Async of={kept}>{(run) => <BookView result={run} />}</Async> : null}
    </div>
  )
}
