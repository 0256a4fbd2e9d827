import { Empty, Switch, Table, Timeline as AntTimeline } from 'antd'
import { useState, type ReactNode } from 'react'
import { useWords } from '../i18n/words'
import { Instant } from './values'
import { widgetWords } from './words'

export type TimelineItem = { id: string; at: string; title: ReactNode; detail?: ReactNode; tone?: 'good' | 'bad' | 'plain' }

/** What happened, newest first. */
export function Timeline({ items }: { items: TimelineItem[] }) {
  const say = useWords(widgetWords)
  if (items.length === 0) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say('noEvents')} />
  return <AntTimeline items={items.map((item) => ({ key: item.id, color: item.tone === 'bad' ? 'red' : item.tone === 'good' ? 'green' : 'gray', content: <div><div>{item.title}</div><div className="muted"><Instant at={item.at} /></div>{item.detail ? <div>{item.detail}</div> : null}</div> }))} />
}

export type ReasonItem = { code: string; text: string; remedy?: string; weight?: number; tone?: 'good' | 'bad' }

/** Reasons in plain words: what counted, how much, and what to do about it. */
export function ReasonList({ reasons }: { reasons: ReasonItem[] }) {
  const say = useWords(widgetWords)
  if (reasons.length === 0) return <span className="muted">{say('noReasons')}</span>
  const largest = Math.max(...reasons.map((reason) => Math.abs(reason.weight ?? 0)), 1e-9)
  return (
    <ol style={{ margin: 0, paddingInlineStart: 20 }} className="stack">
      {reasons.map((reason) => (
        <li key={reason.code}>
          <div>{reason.text}</div>
          {reason.weight !== undefined ? (
            <div className="row" style={{ flexWrap: 'nowrap' }}>
              <div style={{ height: 6, borderRadius: 3, width: `${(Math.abs(reason.weight) / largest) * 60}%`, minWidth: 2, background: (reason.tone ?? (reason.weight < 0 ? 'bad' : 'good')) === 'bad' ? '#d4380d' : '#389e0d' }} />
              <span className="num muted">{reason.weight > 0 ? '+' : ''}{reason.weight.toFixed(1)}</span>
            </div>
          ) : null}
          {reason.remedy ? <div className="muted">{say('whatToDo')}：{reason.remedy}</div> : null}
          <div className="muted mono">{reason.code}</div>
        </li>
      ))}
    </ol>
  )
}

type DiffRow = { field: string; before: string; after: string; changed: boolean }

function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (value !== null && typeof value === 'object') {
    const entries = Array.isArray(value) ? value.map((item, index) => [String(index), item] as const) : Object.entries(value)
    if (entries.length === 0 && path) into.set(path, Array.isArray(value) ? '[]' : '{}')
    for (const [name, child] of entries) flatten(child, path ? `${path}.${name}` : name, into)
    return
  }
  if (path) into.set(path, value === null || value === undefined ? '' : String(value))
}

/** Every leaf of two documents, side by side. */
export function diffRows(before: unknown, after: unknown): DiffRow[] {
  const left = new Map<string, string>()
  const right = new Map<string, string>()
  flatten(before, '', left)
  flatten(after, '', right)
  return [...new Set([...left.keys(), ...right.keys()])].map((field) => ({ field, before: left.get(field) ?? '', after: right.get(field) ?? '', changed: left.get(field) !== right.get(field) }))
}

/** Before and after of a change, for the person who must approve it or look it up later. */
export function DiffDescriptions({ before, after }: { before: unknown; after: unknown }) {
  const say = useWords(widgetWords)
  const [all, setAll] = useState(false)
  const rows = diffRows(before, after)
  const shown = all ? rows : rows.filter((row) => row.changed)
  return (
    <div className="stack" style={{ gap: 8 }}>
      <Table<DiffRow>
        size="small"
        rowKey="field"
        pagination={false}
        dataSource={shown}
        scroll={{ x: 'max-content' }}
        locale={{ emptyText: say('same') }}
        columns={[
          { title: say('field'), dataIndex: 'field', render: (text: string) => <span className="mono">{text}</span> },
          { title: say('before'), dataIndex: 'before', render: (text: string, row) => (row.changed && text ? <del style={{ color: '#d4380d' }}>{text}</del> : text || <span className="muted">{say('none')}</span>) },
          { title: say('after'), dataIndex: 'after', render: (text: string, row) => (row.changed && text ? <ins style={{ color: '#389e0d', textDecoration: 'none' }}>{text}</ins> : text || <span className="muted">{say('none')}</span>) },
        ]}
      />
      {rows.some((row) => !row.changed) ? <label className="row muted"><Switch size="small" checked={all} onChange={setAll} />{say('showSame')}</label> : null}
    </div>
  )
}
