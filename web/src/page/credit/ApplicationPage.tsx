import { Button, Card, Descriptions, Form, Input, Select, Statistic, Steps, Table } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A, useGo, useId } from '../../shell/go'
import { useMay } from '../../shell/session'
import { Async } from '../../widget/Async'
import { instant, money, percent } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { ReasonList, Timeline } from '../../widget/Lists'
import { PageHeader } from '../../widget/PageHeader'
import { DateText, Id, Money, useText } from '../../widget/values'
import { ApplicationState } from './Applications'
import type { ApplicationDetail, Offer, OfferRow } from './applicationTypes'
import { applicationWords } from './applicationWords'
import { Extras } from './Extras'
import { useMethod } from './Products'

type Dialog = 'accept' | 'decline' | 'withdraw'

/** What may be done next, as the server says it; a step the person may not take is not shown. */
function Actions({ application }: { application: ApplicationDetail }) {
  const say = useWords(applicationWords)
  const may = useMay()
  const go = useGo()
  const [dialog, setDialog] = useState<Dialog>()
  const step = useAction({ stale: ['/applications', '/decisions', '/firms', '/tasks'], done: say('done') })
  const sign = useAction<{ id: string }>({ stale: ['/applications', '/contracts', '/facilities'], onDone: (contract) => go(`/contracts/${contract.id}`) })
  const possible = new Set(may('application.write') ? (application.possible ?? []).map((one) => one.action) : [])
  const path = `/applications/${application.id}`
  const direct = (verb: 'submit' | 'offer') => void step.run({ path: `${path}/${verb}`, body: { version: application.version } })
  return (
    <>
      {possible.has('submit') ? <Button type="primary" loading={step.busy} onClick={() => direct('submit')} data-testid="submit">{say('submit')}</Button> : null}
      {possible.has('offer') ? <Button type="primary" loading={step.busy} onClick={() => direct('offer')} data-testid="offer">{say('makeOffer')}</Button> : null}
      {possible.has('accept') ? <Button type="primary" onClick={() => setDialog('accept')} data-testid="accept">{say('accept')}</Button> : null}
      {application.state === 'accepted' && may('contract.sign') ? <Button type="primary" loading={sign.busy} onClick={() => void sign.run({ path: '/contracts', body: { application_id: application.id } })} data-testid="sign">{say('sign')}</Button> : null}
      {possible.has('reject') ? <Button onClick={() => setDialog('decline')}>{say('decline')}</Button> : null}
      {possible.has('withdraw') ? <Button danger onClick={() => setDialog('withdraw')}>{say('withdraw')}</Button> : null}
      {dialog === 'accept' ? <AcceptForm application={application} onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'decline' || dialog === 'withdraw' ? (
        <FormModal<{ note: string }> title={say(dialog)} danger onClose={() => setDialog(undefined)} stale={['/applications']} done={say('done')} act={(values) => ({ path: `${path}/${dialog}`, body: { ...values, version: application.version } })}>
          <Form.Item name="note" label={say('note')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={1000} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </>
  )
}

function AcceptForm({ application, onClose }: { application: ApplicationDetail; onClose: () => void }) {
  const say = useWords(applicationWords)
  const channels = ['branch', 'paper', 'phone', 'portal'] as const
  return (
    <FormModal<{ channel: string; signer: string; reference?: string }> title={say('accept')} onClose={onClose} stale={['/applications', '/contracts', '/facilities', '/firms']} done={say('done')} initial={{ channel: 'branch' }} act={({ reference, ...values }) => ({ path: `/applications/${application.id}/accept`, body: { ...values, ...(reference ? { reference } : {}), version: application.version } })}>
      <Form.Item name="channel" label={say('channel')} rules={[{ required: true, message: say('required') }]}><Select options={channels.map((value) => ({ value, label: say(value) }))} /></Form.Item>
      <Form.Item name="signer" label={say('signer')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input maxLength={100} /></Form.Item>
      <Form.Item name="reference" label={say('reference')} extra={say('referenceHint')}><Input maxLength={200} /></Form.Item>
    </FormModal>
  )
}

function OfferCard({ offer }: { offer: Offer }) {
  const say = useWords(applicationWords)
  const amount = (minor: number) => <Money minor={minor} currency={offer.currency} />
  return (
    <Card size="small" title={say('offer')} extra={<span className="muted">{say('expires')} <DateText date={offer.expires_on} /></span>}>
      <div className="tiles" style={{ marginBottom: 12 }}>
        <Statistic title={say('approvedAmount')} value={money(offer.amount_minor, offer.currency)} />
        <Statistic title={say('rate')} value={percent(offer.rate)} />
        <Statistic title={say('annualised')} value={percent(offer.annualised_rate)} />
        <Statistic title={say('totalCost')} value={money(offer.total_cost_minor, offer.currency)} />
      </div>
      {offer.reduced_from_minor ? <p className="muted">{say('reduced', { amount: money(offer.reduced_from_minor, offer.currency) })}</p> : null}
      <Extras extras={offer.extras} currency={offer.currency} />
      <Table<OfferRow> size="small" rowKey="no" pagination={false} dataSource={offer.instalments ?? []} scroll={{ x: 'max-content', y: 320 }} columns={[
        { title: say('no'), dataIndex: 'no' },
        { title: say('dueDate'), render: (_, row) => <DateText date={row.due_on} /> },
        { title: say('principal'), align: 'right', render: (_, row) => amount(row.principal_minor) },
        { title: say('interest'), align: 'right', render: (_, row) => amount(row.interest_minor) },
        { title: say('total'), align: 'right', render: (_, row) => amount(row.total_minor) },
        { title: say('balance'), align: 'right', render: (_, row) => amount(row.balance_minor) },
      ]} />
    </Card>
  )
}

export default function ApplicationPage() {
  const say = useWords(applicationWords)
  const lang = useLang()
  const text = useText()
  const method = useMethod()
  const id = useId()
  // Deciding and signing follow in the background; the page waits for them.
  const found = useGet<ApplicationDetail>(`/applications/${id}`, undefined, { every: (data) => (data?.state === 'submitted' || data?.state === 'accepted' ? 2000 : false) })
  const stepText = (code: string) => (code in applicationWords ? say(code as keyof typeof applicationWords) : code)
  return (
    <div className="page">
      <Async of={found}>
        {(application) => (
          <>
            <PageHeader title={application.firm_name} tag={<ApplicationState state={application.state} />} crumbs={[{ text: say('applications'), href: '/applications' }, { text: application.id }]} actions={<Actions application={application} />} />
            {application.progress?.length ? (
              <Card size="small"><Steps size="small" responsive current={application.progress.findLastIndex((one) => one.done) + 1} items={application.progress.map((one) => ({ key: one.stage, title: text(one.name), ...(one.at ? { content: <span className="num">{instant(one.at, lang).slice(0, 16)}</span> } : {}) }))} /></Card>
            ) : null}
            <div className="grid">
              <Card size="small" title={say('terms')}>
                <Descriptions size="small" column={1} items={[
                  { key: 'firm', label: say('firm'), children: <A href={`/firms/${application.firm_id}`}>{application.firm_name}</A> },
                  { key: 'product', label: say('product'), children: <A href={`/products/${application.product_id}`}>{application.product_id} v{application.product_version}</A> },
                  { key: 'amount', label: say('amount'), children: <Money minor={application.amount_minor} currency={application.currency} /> },
                  { key: 'tenor', label: say('tenor'), children: say('months', { n: application.tenor_months }) },
                  { key: 'method', label: say('method'), children: method(application.method) },
                  { key: 'purpose', label: say('purpose'), children: `${application.purpose} ${application.purpose_note}` },
                  ...(application.approved_minor > 0 ? [{ key: 'approved', label: say('approvedAmount'), children: <b><Money minor={application.approved_minor} currency={application.currency} /> · {percent(application.rate)}</b> }] : []),
                  ...(application.decision_id ? [{ key: 'decision', label: say('decision'), children: <A href={`/decisions/${application.decision_id}`}><Id id={application.decision_id} /></A> }] : []),
                  ...(application.contract_id ? [{ key: 'contract', label: say('contract'), children: <A href={`/contracts/${application.contract_id}`}><Id id={application.contract_id} /></A> }] : []),
                  ...(application.loan_id ? [{ key: 'loan', label: say('loan'), children: <A href={`/loans/${application.loan_id}`}><Id id={application.loan_id} /></A> }] : []),
                ]} />
              </Card>
              <Card size="small" title={say('steps')}>
                <Timeline items={[...(application.steps ?? [])].reverse().map((step) => ({ id: step.id, at: step.at, title: `${stepText(step.from)} → ${stepText(step.to)}`, detail: step.note, tone: step.to === 'declined' ? ('bad' as const) : ('plain' as const) }))} />
              </Card>
              {application.reasons?.length ? (
                <Card size="small" title={say('reasons')}>
                  <ReasonList reasons={application.reasons.map((reason) => ({ code: reason.code, text: text(reason.text), remedy: [text(reason.remedy), reason.retry_on ? say('retryOn', { date: reason.retry_on }) : ''].filter(Boolean).join(' · ') }))} />
                </Card>
              ) : null}
            </div>
            {application.offer ? <OfferCard offer={application.offer} /> : null}
          </>
        )}
      </Async>
    </div>
  )
}
