import { Button, DatePicker, Tabs } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
import { useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { money } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Id, Money, useText } from '../../widget/values'
import { AttemptOutcome, MandateStateTag, usePolicyText } from './CollectionsTab'
import { CollectionPolicyForm } from './MandateForms'
import type { Attempt, CollectionPolicy, Mandate } from './mandateTypes'
import { mandateWords } from './mandateWords'

const where = (row: Mandate) => (row.scope === 'loan' ? `/loans/${row.scope_id}?tab=collections` : row.scope === 'facility' ? `/facilities/${row.scope_id}` : `/firms/${row.scope_id}`)

function Signed() {
  const say = useWords(mandateWords)
  return (
    <DataTable<Mandate>
      name="mandates"
      path="/mandates"
      rowKey={(row) => row.id}
      href={where}
      empty={{ text: say('none') }}
      filters={[{ kind: 'choice', name: 'state', label: say('state'), options: (['signed', 'suspended', 'revoked'] as const).map((value) => ({ value, label: say(value) })) }]}
      columns={[
        { key: 'reference', title: say('reference'), text: (row) => row.reference, render: (row) => <span className="mono">{row.reference}</span> },
        { key: 'state', title: say('state'), text: (row) => say(row.state), render: (row) => <MandateStateTag state={row.state} /> },
        { key: 'name', title: say('name'), text: (row) => row.debtor_name },
        { key: 'account', title: say('account'), text: (row) => row.debtor_account, render: (row) => <span className="num">{row.debtor_account}</span> },
        { key: 'scope', title: say('scope'), text: (row) => say(row.scope) },
        { key: 'object', title: say('object'), text: (row) => row.scope_id, render: (row) => <Id id={row.scope_id} /> },
        { key: 'currency', title: say('currency'), text: (row) => row.currency },
        { key: 'max', title: say('max'), numeric: true, text: (row) => (row.max_minor > 0 ? money(row.max_minor, row.currency) : say('noMax')) },
        { key: 'validity', title: say('validity'), text: (row) => `${row.valid_from} – ${row.valid_to || say('untilRevoked')}` },
        { key: 'implied', title: say('implied'), extra: true, text: (row) => (row.implied ? '✓' : '') },
        { key: 'why', title: say('why'), extra: true, text: (row) => row.reason },
      ]}
    />
  )
}

/** The loans that were due on a night and not debited, each with its reason. */
function Undebited({ on }: { on: string | undefined }) {
  const say = useWords(mandateWords)
  const text = useText()
  return (
    <DataTable<Attempt>
      name="undebited"
      path="/collections"
      prefix="u"
      fixed={{ outcome: 'none', ...(on ? { on } : {}) }}
      rowKey={(row) => `${row.loan_id}/${row.no}`}
      href={(row) => `/loans/${row.loan_id}?tab=collections`}
      empty={{ text: say('noAttempts') }}
      columns={[
        { key: 'loan', title: say('object'), text: (row) => row.loan_id, render: (row) => <Id id={row.loan_id} /> },
        { key: 'on', title: say('on'), text: (row) => row.on },
        { key: 'due', title: say('due'), numeric: true, text: (row) => money(row.due_minor, row.currency), render: (row) => <Money minor={row.due_minor} currency={row.currency} /> },
        { key: 'why', title: say('why'), text: (row) => text(row.reason), render: (row) => <AttemptOutcome row={row} /> },
      ]}
    />
  )
}

export default function Mandates() {
  const say = useWords(mandateWords)
  const may = useMay()
  const policyText = usePolicyText()
  const [url, setUrl] = useUrlState()
  const [ruling, setRuling] = useState(false)
  const policy = useGet<CollectionPolicy>('/collection-policy')
  return (
    <div className="page">
      <PageHeader title={say('mandates')} hint={say('hint')} actions={policy.data && may('mandate.propose') ? <Button onClick={() => setRuling(true)} data-testid="collection-policy">{say('policy')}</Button> : null} />
      {policy.data ? <p className="muted">{say('policy')}：{policyText(policy.data)}</p> : null}
      <Tabs activeKey={url.tab ?? 'mandates'} onChange={(tab) => setUrl({ tab })} items={[
        { key: 'mandates', label: say('mandates'), children: <Signed /> },
        { key: 'undebited', label: say('undebited'), children: <><DatePicker value={url.on ? dayjs(url.on) : null} onChange={(value) => setUrl({ on: value ? value.format('YYYY-MM-DD') : undefined })} placeholder={say('on')} style={{ marginBottom: 12 }} /><Undebited on={url.on} /></> },
      ]} />
      {ruling && policy.data ? <CollectionPolicyForm policy={policy.data} onClose={() => setRuling(false)} /> : null}
    </div>
  )
}
