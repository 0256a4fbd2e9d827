import { Button, Card, Form } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { MoneyInput, RateInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { BookView } from './BookView'
import type { Optimised } from './bookTypes'
import { watchWords } from './words'

type Fields = { budget_minor: number; min_minor: number; max_minor: number; min_rate: string; max_rate: string; lgd: string; funding_rate: string; lot_minor: number }

const initial: Fields = { budget_minor: 100_000_000_00, min_minor: 100_000_00, max_minor: 1_000_000_00, min_rate: '0.04', max_rate: '0.15', lgd: '0.45', funding_rate: '0.018', lot_minor: 10_000_00 }

export default function Optimiser() {
  const say = useWords(watchWords)
  const [result, setResult] = useState<Optimised>()
  const run = useAction<Optimised>({ onDone: setResult })
  const must = [{ required: true, message: say('required') }]
  return (
    <div className="page">
      <PageHeader title={say('optimiser')} hint={say('optimiserHint')} crumbs={[{ text: say('portfolio'), href: '/portfolio' }, { text: say('optimiser') }]} />
      <Card size="small">
        <Form<Fields> layout="vertical" initialValues={initial} onFinish={(values) => void run.run({ path: '/portfolio/optimise', body: values })}>
          <div style={{ display: 'grid', gap: '0 16px', gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 180px), 1fr))' }}>
            <Form.Item name="budget_minor" label={say('budget')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="min_minor" label={say('minimum')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="max_minor" label={say('maximum')} rules={must}><MoneyInput /></Form.Item>
            <Form.Item name="min_rate" label={say('minRate')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="max_rate" label={say('maxRate')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="lgd" label={say('lgd')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="funding_rate" label={say('funding')} rules={must}><RateInput /></Form.Item>
            <Form.Item name="lot_minor" label={say('lot')} rules={must}><MoneyInput /></Form.Item>
          </div>
          <Button type="primary" htmlType="submit" loading={run.busy} data-testid="optimise">{say('run')}</Button>
        </Form>
      </Card>
      {result ? <BookView result={result} /> : null}
    </div>
  )
}
