import { Alert, App, AutoComplete, Button, Card, DatePicker, Form, Input, Segmented, Select } from 'antd'
import dayjs, { type Dayjs } from 'dayjs'
import { useState } from 'react'
import { useAction, useGet, type Page } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useMay, useSession } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant, money } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { MoneyInput } from '../../widget/inputs'
import { PageHeader } from '../../widget/PageHeader'
import { both, Id, Instant, StateTag, type Tone } from '../../widget/values'
import { authorityWords } from './authorityWords'
import { useRoles } from './choices'
import type { Proposal } from './Proposals'

export type Authority = { id: string; kind: string; subject: string; currency: string; limit_minor: number; valid_from: string; valid_until?: string; delegated_by?: string; note?: string; created_at: string; created_by: string; revoked_at?: string; version: number; subject_name?: string; delegated_by_name?: string; created_by_name?: string }
export type Colleague = { id: string; login: string; name: string; branch: string }

function useKind(): (code: string) => string {
  const say = useWords(authorityWords)
  return (code) => (code === 'credit.approve' ? `${say('creditApprove')} (${code})` : code)
}

function useHolder(): (row: Authority) => string {
  const roles = useRoles()
  return (row) => {
    const [kind, id = ''] = row.subject.split(':')
    return kind === 'role' ? (roles.find((role) => role.value === id)?.label ?? id) : row.subject_name || id
  }
}

function stateOf(row: Authority, now = Date.now()): { word: 'inForce' | 'notYet' | 'ended' | 'revoked'; tone: Tone } {
  if (row.revoked_at) return { word: 'revoked', tone: 'bad' }
  if (row.valid_until && Date.parse(row.valid_until) <= now) return { word: 'ended', tone: 'plain' }
  return Date.parse(row.valid_from) > now ? { word: 'notYet', tone: 'warn' } : { word: 'inForce', tone: 'good' }
}

function ColleagueSelect({ value, onChange, id }: { value?: string; onChange?: (value: string) => void; id?: string }) {
  const say = useWords(authorityWords)
  const [typed, setTyped] = useState('')
  const found = useGet<{ items: Colleague[] | null }>('/colleagues', { q: typed })
  const options = (found.data?.items ?? []).map((one) => ({ value: `user:${one.id}`, label: [one.name, one.login, one.branch].filter(Boolean).join(' · ') }))
  return <Select showSearch={{ filterOption: false, onSearch: setTyped }} options={options} loading={found.isFetching} placeholder={say('colleagueHint')} value={value ?? null} onChange={(picked: string | null) => picked && onChange?.(picked)} {...(id ? { id } : {})} />
}

type Fields = { kind: string; subject: string; currency: string; limit_minor: number; valid_from?: Dayjs; valid_until?: Dayjs; note?: string }

/** Proposes an authority of the institution, or delegates one's own. */
function GrantForm({ delegate, onClose, onProposed }: { delegate: boolean; onClose: () => void; onProposed: (proposal: Proposal) => void }) {
  const say = useWords(authorityWords)
  const roles = useRoles()
  const session = useSession()
  const [to, setTo] = useState<'role' | 'user'>(delegate ? 'user' : 'role')
  const must = [{ required: true, message: say('required') }]
  const body = ({ valid_from, valid_until, note, ...values }: Fields) => ({
    ...values, kind: values.kind.trim(), ...(valid_from ? { valid_from: valid_from.startOf('day').toISOString() } : {}), ...(valid_until ? { valid_until: valid_until.endOf('day').toISOString() } : {}), ...(note ? { note } : {}),
  })
  return (
    <FormModal<Fields, Proposal | Authority>
      title={say(delegate ? 'delegate' : 'grant')}
      onClose={onClose}
      stale={['/authorities', '/proposals']}
      {...(delegate ? { done: say('delegated') } : {})}
      onDone={(made) => { if ('body_hash' in made) onProposed(made) }}
      initial={{ kind: 'credit.approve', currency: session.currency || 'CNY', ...(delegate ? { valid_until: dayjs().add(14, 'day') } : {}) }}
      act={(values) => ({ path: delegate ? '/delegations' : '/authorities', body: body(values) })}
    >
      <p className="muted">{delegate ? say('delegateHint') : say('scopeHint')}</p>
      <Form.Item name="kind" label={say('kind')} extra={say('kindHint')} rules={[...must, { pattern: /^[a-z0-9._]+$/, message: say('badKind') }]}><AutoComplete options={[{ value: 'credit.approve' }]} maxLength={60} /></Form.Item>
      {delegate ? null : <Form.Item label={say('holderKind')}><Segmented value={to} onChange={setTo} options={[{ value: 'role' as const, label: say('role') }, { value: 'user' as const, label: say('person') }]} /></Form.Item>}
      {to === 'role' ? <Form.Item key="role" name="subject" label={say('role')} rules={must}><Select options={roles.map((role) => ({ ...role, value: `role:${role.value}` }))} /></Form.Item> : <Form.Item key="user" name="subject" label={say('colleague')} rules={must}><ColleagueSelect /></Form.Item>}
      <div className="fields">
        <Form.Item name="limit_minor" label={say('limit')} rules={must}><MoneyInput /></Form.Item>
        <Form.Item name="currency" label={say('currency')} rules={must}><Select options={['CNY', 'USD', 'EUR', 'HKD', 'JPY'].map((value) => ({ value, label: value }))} /></Form.Item>
        <Form.Item name="valid_from" label={say('from')}><DatePicker style={{ width: '100%' }} /></Form.Item>
        <Form.Item name="valid_until" label={say('until')} rules={delegate ? must : []}><DatePicker style={{ width: '100%' }} placeholder={delegate ? '' : say('untilRevoked')} /></Form.Item>
      </div>
      <Form.Item name="note" label={say('note')}><Input.TextArea rows={2} maxLength={500} /></Form.Item>
    </FormModal>
  )
}

/** Changes that wait for their second person. */
function Pending() {
  const say = useWords(authorityWords)
  const lang = useLang()
  const grants = useGet<Page<Proposal>>('/proposals', { state: 'pending', object: 'authority', limit: 50 })
  const holder = useHolder()
  const rows = grants.data?.items ?? []
  const what = (row: Proposal) => {
    const said = (row.after ?? row.before ?? {}) as Partial<Authority>
    return said.subject ? `${holder({ ...said, subject: said.subject } as Authority)} · ${money(said.limit_minor, said.currency)}` : ''
  }
  if (rows.length === 0) return null
  return (
    <Card size="small" title={say('pending')}>
      <div className="stack" style={{ gap: 8 }}>
        {rows.map((row) => <div key={row.id} className="row between"><span><A href={`/proposals?id=${row.id}`}>{both(lang, row.kind_zh, row.kind_en)}</A> {what(row)} <span className="muted">{row.note}</span></span><span className="muted">{row.made_by_name} · <Instant at={row.created_at} /></span></div>)}
      </div>
    </Card>
  )
}

export default function Authorities() {
  const say = useWords(authorityWords)
  const lang = useLang()
  const may = useMay()
  const session = useSession()
  const kind = useKind()
  const holder = useHolder()
  const { modal } = App.useApp()
  const [form, setForm] = useState<'grant' | 'delegate'>()
  const [proposal, setProposal] = useState<Proposal>()
  const takeBack = useAction({ stale: ['/authorities'], done: say('takenBack') })
  const revoke = useAction<Proposal>({ stale: ['/authorities', '/proposals'], onDone: setProposal })
  const origin = (row: Authority) => (row.delegated_by ? say('delegatedBy', { name: row.delegated_by_name || row.delegated_by }) : say('institution'))
  const act = (row: Authority) => {
    const state = stateOf(row).word
    if (state === 'revoked' || state === 'ended') return null
    if (row.delegated_by) {
      if (row.delegated_by !== session.user_id && !may('authority.manage')) return null
      return <Button size="small" type="link" danger onClick={() => modal.confirm({ title: say('takeBackSure', { name: holder(row) }), okText: say('takeBack'), okButtonProps: { danger: true }, onOk: () => takeBack.run({ path: `/delegations/${row.id}`, method: 'DELETE' }) })}>{say('takeBack')}</Button>
    }
    if (!may('authority.manage')) return null
    return <Button size="small" type="link" danger onClick={() => modal.confirm({ title: say('revokeSure', { name: holder(row) }), okText: say('revoke'), okButtonProps: { danger: true }, onOk: () => revoke.run({ path: `/authorities/${row.id}/revoke` }) })}>{say('revoke')}</Button>
  }
  return (
    <div className="page">
      <PageHeader title={say('title')} hint={<>{say('hint')} {say('scopeHint')}</>} actions={<><Button onClick={() => setForm('delegate')} data-testid="delegate">{say('delegate')}</Button>{may('authority.manage') ? <Button type="primary" onClick={() => setForm('grant')} data-testid="grant-authority">{say('grant')}</Button> : null}</>} />
      {proposal ? <Alert type="success" showIcon closable={{ onClose: () => setProposal(undefined) }} title={say('proposed')} description={<A href={`/proposals?id=${proposal.id}`}>{both(lang, proposal.kind_zh, proposal.kind_en)} · {say('open')}</A>} data-testid="proposed" /> : null}
      <Pending />
      <DataTable<Authority>
        name="authorities"
        path="/authorities"
        rowKey={(row) => row.id}
        empty={{ text: say(may('authority.read') ? 'none' : 'noneForYou'), action: may('authority.manage') ? <Button type="primary" onClick={() => setForm('grant')}>{say('grant')}</Button> : null }}
        filters={[{ kind: 'choice', name: 'kind', label: say('kind'), options: [{ value: 'credit.approve', label: kind('credit.approve') }] }]}
        columns={[
          { key: 'kind', title: say('kind'), text: (row) => kind(row.kind) },
          { key: 'holder', title: say('holder'), text: holder, render: (row) => (row.subject.startsWith('user:') && !row.subject_name ? <Id id={row.subject} /> : <><b>{holder(row)}</b> <span className="muted">{say(row.subject.startsWith('role:') ? 'role' : 'person')}</span></>) },
          { key: 'limit', title: say('limit'), numeric: true, text: (row) => money(row.limit_minor, row.currency) },
          { key: 'origin', title: say('origin'), text: origin },
          { key: 'from', title: say('from'), text: (row) => instant(row.valid_from, lang), render: (row) => <Instant at={row.valid_from} /> },
          { key: 'until', title: say('until'), text: (row) => (row.valid_until ? instant(row.valid_until, lang) : say('untilRevoked')) },
          { key: 'status', title: say('status'), text: (row) => say(stateOf(row).word), render: (row) => <StateTag text={say(stateOf(row).word)} tone={stateOf(row).tone} /> },
          { key: 'note', title: say('note'), extra: true, text: (row) => row.note ?? '' },
          { key: 'by', title: say('createdBy'), extra: true, text: (row) => row.created_by_name || row.created_by },
          { key: 'act', title: '', render: act },
        ]}
      />
      {form ? <GrantForm delegate={form === 'delegate'} onClose={() => setForm(undefined)} onProposed={setProposal} /> : null}
    </div>
  )
}
