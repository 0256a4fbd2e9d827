import { Button, Descriptions, Drawer, Form, Input, Tooltip } from 'antd'
import { useState } from 'react'
import { useGet } from '../../api/hooks'
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

export type Proposal = { id: string; kind: string; title_zh?: string; title_en?: string; object: string; object_id: string; before?: unknown; after?: unknown; body_hash: string; status: string; proposer_id: string; proposer_name?: string; proposed_at: string; decider_name?: string; decided_at?: string; note?: string }

const tones: Record<string, Tone> = { pending: 'warn', approved: 'good', rejected: 'bad', failed: 'bad' }

export default function Proposals() {
  const say = useWords(adminWords)
  const lang = useLang()
  const [url, setUrl] = useUrlState()
  const statuses = ['pending', 'approved', 'rejected', 'expired', 'cancelled', 'failed'] as const
  const statusText = (status: string) => { const known = statuses.find((one) => one === status); return known ? say(known) : status }
  const title = (row: Proposal) => both(lang, row.title_zh, row.title_en) || row.kind
  return (
    <div className="page">
      <PageHeader title={say('proposals')} hint={say('proposalsHint')} />
      <DataTable<Proposal>
        name="proposals"
        path="/proposals"
        rowKey={(row) => row.id}
        onOpen={(row) => setUrl({ id: row.id })}
        empty={{ text: say('noProposals') }}
        filters={[{ kind: 'choice', name: 'status', label: say('status'), options: statuses.map((value) => ({ value, label: say(value) })) }]}
        columns={[
          { key: 'title', title: say('change'), text: title },
          { key: 'status', title: say('status'), text: (row) => statusText(row.status), render: (row) => <StateTag text={statusText(row.status)} tone={tones[row.status] ?? 'plain'} /> },
          { key: 'proposer', title: say('proposer'), text: (row) => row.proposer_name || row.proposer_id },
          { key: 'created', title: say('created'), text: (row) => instant(row.proposed_at, lang), render: (row) => <Instant at={row.proposed_at} /> },
          { key: 'decider', title: say('decider'), text: (row) => row.decider_name ?? '' },
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
  const row = found.data
  const own = row?.proposer_id === session.user_id
  const buttons = row?.status === 'pending' ? (
    <Tooltip title={own ? say('ownProposal') : ''}>
      <div className="row">
        <Button danger disabled={own} onClick={() => setDeciding('reject')}>{say('reject')}</Button>
        <Button type="primary" disabled={own} onClick={() => setDeciding('approve')}>{say('approve')}</Button>
      </div>
    </Tooltip>
  ) : null
  return (
    <Drawer open onClose={onClose} size={720} title={row ? title(row) : say('change')} extra={buttons}>
      <Async of={found}>
        {(data) => (
          <div className="stack">
            <Descriptions size="small" column={{ xs: 1, sm: 2 }} items={[
              { key: 'status', label: say('status'), children: <StateTag text={statusText(data.status)} tone={tones[data.status] ?? 'plain'} /> },
              { key: 'proposer', label: say('proposer'), children: data.proposer_name || data.proposer_id },
              { key: 'created', label: say('created'), children: <Instant at={data.proposed_at} /> },
              ...(data.decided_at ? [{ key: 'decider', label: say('decider'), children: data.decider_name ?? '' }, { key: 'decided', label: say('decided'), children: <Instant at={data.decided_at} /> }] : []),
              ...(data.note ? [{ key: 'note', label: say('note'), children: data.note }] : []),
            ]} />
            <DiffDescriptions before={data.before} after={data.after} />
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
