import { Alert, Button, Card, Descriptions, Empty, Space, Table, Tag } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { money } from '../../widget/format'
import { DateText, Instant, Money, StateTag, useText, type Tone } from '../../widget/values'
import { MandateForm, StopForm, type MandateTarget } from './MandateForms'
import type { Attempt, CollectionPolicy, Collections, Mandate } from './mandateTypes'
import { mandateWords } from './mandateWords'
import type { LoanDetail } from './types'

const tones: Record<string, Tone> = { signed: 'good', suspended: 'warn', revoked: 'bad', succeeded: 'good', failed: 'bad', sent: 'busy', recorded: 'busy' }

export function MandateStateTag({ state }: { state: Mandate['state'] }) {
  const say = useWords(mandateWords)
  return <StateTag text={say(state)} tone={tones[state] ?? 'plain'} />
}

export function usePolicyText() {
  const say = useWords(mandateWords)
  return (policy: CollectionPolicy) => say('policyText', { n: policy.attempts_per_day, days: policy.give_up_after_days > 0 ? say('daysText', { n: policy.give_up_after_days }) : say('never'), partial: policy.partial ? say('partialYes') : say('partialNo') })
}

export function AttemptOutcome({ row }: { row: Attempt }) {
  const say = useWords(mandateWords)
  const text = useText()
  if (row.status === '') return <span><StateTag text={say('notDebited')} tone="warn" /> <span className="muted">{text(row.reason)}</span></span>
  return <span><StateTag text={say(row.status)} tone={tones[row.status] ?? 'plain'} />{row.status === 'failed' ? <span className="muted"> {row.bank_reason}</span> : null}</span>
}

function Facts({ mandate }: { mandate: Mandate }) {
  const say = useWords(mandateWords)
  return (
    <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
      { key: 'reference', label: say('reference'), children: <span className="mono">{mandate.reference}</span> },
      { key: 'scope', label: say('scope'), children: say(mandate.scope) },
      { key: 'state', label: say('state'), children: <MandateStateTag state={mandate.state} /> },
      { key: 'account', label: say('account'), children: <span className="num">{mandate.debtor_account}</span> },
      { key: 'name', label: say('name'), children: mandate.debtor_name || '—' },
      { key: 'max', label: say('max'), children: mandate.max_minor > 0 ? money(mandate.max_minor, mandate.currency) : say('noMax') },
      { key: 'validity', label: say('validity'), children: `${mandate.valid_from} – ${mandate.valid_to || say('untilRevoked')}` },
      { key: 'signed', label: say('signedOn'), children: mandate.signed_on || '—' },
      { key: 'document', label: say('document'), children: <span className="mono">{mandate.document || '—'}</span> },
    ]} />
  )
}

type Doing = { what: 'sign' } | { what: 'change' | 'suspend' | 'revoke'; mandate: Mandate }

/** How a loan is debited: the mandate in force or why there is none, and every debit. */
export function CollectionsTab({ loan }: { loan: LoanDetail }) {
  const say = useWords(mandateWords)
  const text = useText()
  const may = useMay()
  const policyText = usePolicyText()
  const [doing, setDoing] = useState<Doing>()
  const found = useGet<Collections>(`/loans/${loan.id}/collections`)
  const targets: MandateTarget[] = [{ scope: 'loan', id: loan.id }, { scope: 'facility', id: loan.facility_id }, { scope: 'firm', id: loan.firm_id }]
  const close = () => setDoing(undefined)
  return (
    <Async of={found}>
      {(data) => (
        <div className="stack">
          <Card size="small" title={say('mandates')} extra={may('mandate.propose') ? <Button size="small" onClick={() => setDoing({ what: 'sign' })} data-testid="mandate-sign">{say('sign')}</Button> : null}>
            {data.mandate ? null : <Alert type="warning" showIcon title={text(data.why) || say('noneInForce')} description={text(data.remedy)} style={{ marginBottom: 12 }} />}
            {data.mandates.length === 0 ? <Empty description={say('none')} /> : data.mandates.map((one) => (
              <div key={one.id} className="stack" style={{ marginBottom: 12 }} data-testid="mandate">
                <Space wrap>
                  {one.id === data.mandate?.id ? <Tag color="green">{say('inForce')}</Tag> : null}
                  {one.implied ? <Tag color="gold">{say('implied')}</Tag> : null}
                  {one.state !== 'revoked' && may('mandate.propose') ? <Button size="small" onClick={() => setDoing({ what: 'change', mandate: one })}>{one.state === 'suspended' ? say('resume') : say('change')}</Button> : null}
                  {one.state === 'signed' && may('mandate.stop') ? <Button size="small" onClick={() => setDoing({ what: 'suspend', mandate: one })} data-testid="mandate-suspend">{say('suspend')}</Button> : null}
                  {one.state !== 'revoked' && may('mandate.stop') ? <Button size="small" danger onClick={() => setDoing({ what: 'revoke', mandate: one })}>{say('revoke')}</Button> : null}
                  {one.cause ? <span className="muted">{say(one.cause as 'other')} · {one.reason}</span> : null}
                </Space>
                <Facts mandate={one} />
              </div>
            ))}
            <p className="muted">{say('policy')}：{policyText(data.policy)}</p>
          </Card>
          <Card size="small" title={say('attempts')}>
            <Table<Attempt> size="small" rowKey={(row) => `${row.on}/${row.no}`} pagination={{ pageSize: 20, hideOnSinglePage: true }} dataSource={data.attempts} scroll={{ x: 'max-content' }} locale={{ emptyText: say('noAttempts') }} columns={[
              { title: say('on'), render: (_, row) => <DateText date={row.on} /> },
              { title: say('no'), render: (_, row) => (row.no > 0 ? row.no : '') },
              { title: say('asked'), align: 'right', render: (_, row) => (row.no > 0 ? <Money minor={row.amount_minor} currency={row.currency} /> : null) },
              { title: say('due'), align: 'right', render: (_, row) => <Money minor={row.due_minor} currency={row.currency} /> },
              { title: say('outcome'), render: (_, row) => <AttemptOutcome row={row} /> },
              { title: '', render: (_, row) => <Instant at={row.at} /> },
            ]} />
          </Card>
          {doing?.what === 'sign' ? <MandateForm targets={targets} currency={loan.currency} account={loan.payee_account} name={loan.payee_name} today={loan.processed_to} onClose={close} /> : null}
          {doing?.what === 'change' ? <MandateForm mandate={doing.mandate} targets={targets} currency={loan.currency} account={loan.payee_account} name={loan.payee_name} today={loan.processed_to} onClose={close} /> : null}
          {doing?.what === 'suspend' || doing?.what === 'revoke' ? <StopForm mandate={doing.mandate} verb={doing.what} onClose={close} /> : null}
        </div>
      )}
    </Async>
  )
}
