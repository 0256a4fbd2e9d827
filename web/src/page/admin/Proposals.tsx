import { Button, Descriptions, Drawer, Form, Input, Tooltip } from 'antd'
import { useState } from 'react'
import { useAction, useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { useUrlState } from '../../shell/go'
import { useSession } from '../../shell/session'
import { Async } from '../../widget/Async'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { DiffDescriptions } from '../../widget/Lists'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant, StateTag, type Tone } from '../../widget/values'
import { adminWords } from './words'

export type Proposal = { id: string; kind: string; kind_zh: string; kind_en: string; object: string; object_id: string; body: unknown; body_hash: string; before?: unknown; after?: unknown; note?: string; state: string; made_by: string; made_by_name: string; created_at: string; expires_at: string; decided_by_name?: string; decided_at?: string; decision_note?: string; can_decide: boolean }

const tones: Record<string, Tone> = { pending: 'warn', approved: 'good', rejected: 'bad' }

export default function Proposals() {
  const say = useWords(adminWords)
  const lang = useLang()
  const [url, setUrl] = useUrlState()
  const statuses = ['pending', 'approved', 'rejected', 'expired', 'cancelled'] as const
  const statusText = (status: string) => { const known = statuses.find((one) => one === status); return known ? say(known) : status }
  const title = (row: Proposal) => both(lang, row.kind_zh, row.kind_en) || row.kind
  return (
    <div className="page">
      <PageHeader title={say('proposals')} hint={say('proposalsHint')} />
      <DataTable<Proposal>
        name="proposals"
        path="/proposals"
        rowKey={(row) => row.id}
        onOpen={(row) => setUrl({ id: row.id })}
        empty={{ text: say('noProposals') }}
        filters={[{ kind: 'choice', name: 'state', label: say('status'), options: statuses.map((value) => ({ value, label: say(value) })) }]}
        columns={[
          { key: 'title', title: say('change'), text: title },
          { key: 'status', title: say('status'), text: (row) => statusText(row.state), render: (row) => <StateTag text={statusText(row.state)} tone={tones[row.state] ?? 'plain'} /> },
          { key: 'proposer', title: say('proposer'), text: (row) => row.made_by_name },
          { key: 'created', title: say('created'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
          { key: 'decider', title: say('decider'), text: (row) => row.decided_by_name ?? '' },
          { key: 'decided', title: say('decided'), extra: true, text: (row) => instant(row.decided_at, lang), render: (row) => <Instant at={row.decided_at} /> },
        ]}
      />
      {url.id ? <ProposalDrawer id={url.id} onClose={() => setUrl({ id: undefined })} statusText={statusText} title={title} /> : null}
    </div>
  )
}

type DrawerProps = { id: string; onClose: () => void; statusText: (status: string) => string; title: (row: Proposal) => string }

function ProposalDrawer({ id, onClose, statusText, title }: DrawerProps) {
  const say = useWords(adminWords)
  const session = useSession()
  const found = useGet<Proposal>(`/proposals/${id}`)
  const [deciding, setDeciding] = useState<'approve' | 'reject'>()
  const withdraw = useAction({ stale: ['/proposals'] })
  const row = found.data
  const own = row?.made_by === session.user_id
  const buttons = row?.state === 'pending' ? (
    <Tooltip title={own ? say('ownProposal') : ''}>
      <div className="row">
        {own ? <Button loading={withdraw.busy} onClick={() => void withdraw.run({ path: `/proposals/${id}/cancel` })}>{say('withdraw')}</Button> : null}
        <Button danger disabled={!row.can_decide} onClick={() => setDeciding('reject')}>{say('reject')}</Button>
        <Button type="primary" disabled={!row.can_decide} onClick={() => setDeciding('approve')}>{say('approve')}</Button>
      </div>
    </Tooltip>
  ) : null
  return (
    <Drawer open onClose={onClose} size={720} title={row ? title(row) : say('change')} extra={buttons}>
      <Async of={found}>
        {(data) => (
          <div className="stack">
            <Descriptions size="small" column={{ xs: 1, sm: 2 }} items={[
              { key: 'status', label: say('status'), children: <StateTag text={statusText(data.state)} tone={tones[data.state] ?? 'plain'} /> },
              { key: 'proposer', label: say('proposer'), children: data.made_by_name },
              { key: 'created', label: say('created'), children: <Instant at={data.created_at} /> },
              ...(data.decided_at ? [{ key: 'decider', label: say('decider'), children: data.decided_by_name ?? '' }, { key: 'decided', label: say('decided'), children: <Instant at={data.decided_at} /> }] : []),
              ...(data.note ? [{ key: 'note', label: say('note'), children: data.note }] : []),
              ...(data.decision_note ? [{ key: 'dnote', label: say('decisionNote'), children: data.decision_note }] : []),
            ]} />
            <DiffDescriptions before={data.before ?? {}} after={data.after ?? data.body} />
            <div className="muted mono">{say('bodyHash')} {data.body_hash}</div>
          </div>
        )}
      </Async>
      {deciding && row ? (
        <FormModal<{ note: string }> title={say(deciding)} danger={deciding === 'reject'} onClose={() => setDeciding(undefined)} stale={['/']} done={deciding === 'approve' ? say('approved') : say('rejected')} act={(values) => ({ path: `/proposals/${id}/${deciding}`, body: { note: values.note ?? '', body_hash: row.body_hash } })}>
          <Form.Item name="note" label={say('note')} rules={[{ required: deciding === 'reject', message: say('required') }]}><Input.TextArea rows={3} maxLength={500} showCount /></Form.Item>
        </FormModal>
      ) : null}
    </Drawer>
  )
}
