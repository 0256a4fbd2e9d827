import { Button, Descriptions, Form, Input, InputNumber, Select, Tag } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant, share } from '../../widget/format'
import { FormModal } from '../../widget/FormModal'
import { Id, Instant, Money, StateTag, useText, type Text } from '../../widget/values'
import { watchWords } from './words'

export type Figures = { before_text: Text; after_text: Text; points_before?: number; points_after?: number; pd_before?: number; pd_after?: number; grade_before?: string; grade_after?: string }
export type Signal = { id: string; firm_id: string; firm_name: string; facility_id: string; product_id: string; code: string; catalogue: string; level: string; name: Text; reason: Text; advice: Text; figures: Figures; action: string; limit_before_minor: number; limit_after_minor: number; state: string; as_of: string; raised_at: string; outcome?: string; note?: string; version: number }

const colours: Record<string, string> = { red: 'red', orange: 'orange', yellow: 'gold' }

export function LevelTag({ level }: { level: string }) {
  const say = useWords(watchWords)
  const known = (['red', 'orange', 'yellow'] as const).find((one) => one === level)
  return <Tag color={colours[level] ?? 'default'}>{known ? say(known) : level}</Tag>
}

export function SignalTable({ name, fixed, prefix, brief }: { name: string; fixed?: Record<string, string>; prefix?: string; brief?: number }) {
  const say = useWords(watchWords)
  const lang = useLang()
  const text = useText()
  const action = (code: string) => { const known = (['task', 'reduce_limit', 'freeze'] as const).find((one) => one === code); return known ? say(known) : code }
  return (
    <DataTable<Signal>
      name={name}
      path="/signals"
      rowKey={(row) => row.id}
      empty={{ text: say('noSignals') }}
      {...(fixed ? { fixed } : {})}
      {...(prefix ? { prefix } : {})}
      {...(brief ? { brief } : {})}
      filters={[{ kind: 'choice', name: 'state', label: say('status'), options: (['open', 'acknowledged', 'resolved'] as const).map((value) => ({ value, label: say(value) })) }, { kind: 'choice', name: 'level', label: say('level'), options: (['red', 'orange', 'yellow'] as const).map((value) => ({ value, label: say(value) })) }]}
      expand={(row) => <SignalDetail signal={row} />}
      columns={[
        { key: 'level', title: say('level'), text: (row) => row.level, render: (row) => <LevelTag level={row.level} /> },
        { key: 'name', title: say('signal'), text: (row) => text(row.name), render: (row) => <b>{text(row.name)}</b> },
        { key: 'firm', title: say('firm'), extra: Boolean(fixed?.firm_id), text: (row) => row.firm_name ?? row.firm_id, render: (row) => <A href={`/firms/${row.firm_id}`}>{row.firm_name || row.firm_id}</A> },
        { key: 'reason', title: say('reason'), extra: brief !== undefined, text: (row) => text(row.reason), render: (row) => <div style={{ maxWidth: 480 }}>{text(row.reason)}</div> },
        { key: 'action', title: say('action'), extra: brief !== undefined, text: (row) => action(row.action) },
        { key: 'state', title: say('status'), text: (row) => row.state, render: (row) => <SignalState state={row.state} /> },
        { key: 'at', title: say('at'), extra: brief !== undefined, text: (row) => instant(row.raised_at, lang), render: (row) => <Instant at={row.raised_at} /> },
      ]}
    />
  )
}

function SignalState({ state }: { state: string }) {
  const say = useWords(watchWords)
  const known = (['open', 'acknowledged', 'resolved'] as const).find((one) => one === state)
  return <StateTag text={known ? say(known) : state} tone={state === 'resolved' ? 'good' : state === 'open' ? 'bad' : 'warn'} />
}

/** What moved, what was done at once, what to do now, and the person's own conclusion. */
export function SignalDetail({ signal }: { signal: Signal }) {
  const say = useWords(watchWords)
  const text = useText()
  const may = useMay()
  const [closing, setClosing] = useState(false)
  const take = useAction({ stale: ['/signals', '/tasks'] })
  const { figures } = signal
  const outcomes = ['handled', 'false_alarm', 'no_action'] as const
  return (
    <div className="stack" style={{ gap: 8 }}>
      <Descriptions size="small" column={{ xs: 1, md: 2 }} items={[
        { key: 'before', label: say('before'), children: text(figures.before_text) || '—' },
        { key: 'after', label: say('after'), children: text(figures.after_text) || '—' },
        ...(figures.points_before !== undefined && figures.points_after !== undefined ? [{ key: 'score', label: say('score'), children: <span className="num">{figures.points_before} → {figures.points_after} · {figures.grade_before} → {figures.grade_after}</span> }] : []),
        ...(figures.pd_before !== undefined && figures.pd_after !== undefined ? [{ key: 'pd', label: say('pd'), children: <span className="num">{share(figures.pd_before)} → {share(figures.pd_after)}</span> }] : []),
        ...(signal.limit_before_minor !== signal.limit_after_minor ? [{ key: 'limit', label: say('limitMoved'), children: <span><Money minor={signal.limit_before_minor} /> → <Money minor={signal.limit_after_minor} /></span> }] : []),
        ...(signal.facility_id ? [{ key: 'facility', label: say('facility'), children: <A href={`/facilities/${signal.facility_id}`}><Id id={signal.facility_id} /></A> }] : []),
      ]} />
      <div><b>{say('advice')}：</b>{text(signal.advice)}</div>
      {signal.note ? <div><b>{say('outcome')}：</b>{signal.outcome && signal.outcome in watchWords ? say(signal.outcome as keyof typeof watchWords) : signal.outcome} · {signal.note}</div> : null}
      <div className="row">
        {signal.state === 'open' && may('signal.handle') ? <Button size="small" loading={take.busy} onClick={() => void take.run({ path: `/signals/${signal.id}/acknowledge` })}>{say('acknowledge')}</Button> : null}
        {signal.state !== 'resolved' && may('signal.handle') ? <Button size="small" type="primary" onClick={() => setClosing(true)}>{say('resolve')}</Button> : null}
        <span className="muted mono">{signal.code} · {signal.catalogue}</span>
      </div>
      {closing ? (
        <FormModal<{ outcome: string; note: string; snooze_days?: number }> title={say('resolve')} onClose={() => setClosing(false)} stale={['/signals', '/tasks', '/firms']} done={say('done')} initial={{ outcome: 'handled' }} act={(values) => ({ path: `/signals/${signal.id}/resolve`, body: values })}>
          <Form.Item name="outcome" label={say('outcome')} rules={[{ required: true }]}><Select options={outcomes.map((value) => ({ value, label: say(value) }))} /></Form.Item>
          <Form.Item name="note" label={say('note')} rules={[{ required: true, whitespace: true, message: say('required') }]}><Input.TextArea rows={3} maxLength={1000} showCount /></Form.Item>
          <Form.Item name="snooze_days" label={say('snooze')}><InputNumber min={0} max={180} /></Form.Item>
        </FormModal>
      ) : null}
    </div>
  )
}
