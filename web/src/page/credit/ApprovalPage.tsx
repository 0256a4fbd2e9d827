import { Alert, Button, Card, Descriptions, Form, Input } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput, RateInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, Money } from '../../widget/values'
import { roleName } from '../admin/roleWords'
import { applicationWords } from './applicationWords'
import { CaseState } from './Approvals'
import type { Case } from './approvalTypes'
import type { Decision } from './decisionTypes'
import { DecisionView } from './DecisionView'

type Verb = 'approve' | 'decline' | 'return'
type Fields = { amount_minor?: number; rate?: string; note: string }

function RulingForm({ item, verb, onClose }: { item: Case; verb: Verb; onClose: () => void }) {
  const say = useWords(applicationWords)
  const title = verb === 'approve' ? say('approve') : verb === 'decline' ? say('refuse') : say('giveBack')
  return (
    <FormModal<Fields> title={title} danger={verb === 'decline'} onClose={onClose} stale={['/approvals', '/applications', '/tasks']} done={say('done')} initial={{ amount_minor: item.amount_minor, rate: item.rate }} act={({ note, amount_minor, rate }) => ({ path: `/approvals/${item.id}/${verb}`, body: verb === 'approve' ? { note, ...(amount_minor ? { amount_minor } : {}), ...(rate ? { rate } : {}) } : { note } })}>
      {verb === 'approve' ? (
        <>
          <Form.Item name="amount_minor" label={say('approveAmount')}><MoneyInput currency={item.currency} /></Form.Item>
          <Form.Item name="rate" label={say('approveRate')}><RateInput /></Form.Item>
        </>
      ) : null}
      <Form.Item name="note" label={say('note')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={1000} showCount /></Form.Item>
    </FormModal>
  )
}

/** One referred case: what the machine found, and the person's own ruling. */
export default function ApprovalPage() {
  const say = useWords(applicationWords)
  const lang = useLang()
  const may = useMay()
  const id = useId()
  const [verb, setVerb] = useState<Verb>()
  const found = useGet<Case>(`/approvals/${id}`)
  const decision = useGet<Decision>(found.data ? `/decisions/${found.data.decision_id}` : undefined)
  const buttons = found.data?.state === 'open' && may('approval.decide') ? <><Button onClick={() => setVerb('return')}>{say('giveBack')}</Button><Button danger onClick={() => setVerb('decline')}>{say('refuse')}</Button><Button type="primary" onClick={() => setVerb('approve')} data-testid="approve">{say('approve')}</Button></> : null
  return (
    <div className="page">
      <Async of={found}>
        {(item) => (
          <>
            <PageHeader title={item.firm_name} tag={<CaseState state={item.state} />} crumbs={[{ text: say('approvals'), href: '/approvals' }, { text: item.id }]} actions={buttons} />
            {item.note ? <Alert type={item.state === 'approved' ? 'success' : 'info'} showIcon title={item.note} description={item.decided_at ? <Instant at={item.decided_at} /> : null} /> : null}
            <Card size="small">
              <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 4 }} items={[
                { key: 'firm', label: say('firm'), children: <A href={`/firms/${item.firm_id}`}>{item.firm_name}</A> },
                { key: 'app', label: say('applications'), children: <A href={`/applications/${item.application_id}`}>{item.application_id.slice(-8)}</A> },
                { key: 'amount', label: say('amount'), children: <Money minor={item.amount_minor} currency={item.currency} /> },
                { key: 'limit', label: say('limit'), children: <Money minor={item.limit_minor} currency={item.currency} /> },
                { key: 'rate', label: say('rate'), children: percent(item.rate) },
                { key: 'due', label: say('dueDate'), children: item.due_on },
                { key: 'roles', label: say('whoMay'), children: (item.roles ?? []).map((role) => roleName(lang, role)).join(' / ') },
                ...(item.approved_minor ? [{ key: 'approved', label: say('approvedAmount'), children: <b><Money minor={item.approved_minor} currency={item.currency} /> · {percent(item.approved_rate)}</b> }] : []),
              ]} />
            </Card>
            <Async of={decision}>{(made) => <DecisionView decision={made} />}</Async>
            {verb ? <RulingForm item={item} verb={verb} onClose={() => setVerb(undefined)} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
