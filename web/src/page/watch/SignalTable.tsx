import { Tag } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { Instant, useText, type Text } from '../../widget/values'
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
      filters={[{ kind: 'choice', name: 'level', label: say('level'), options: (['red', 'orange', 'yellow'] as const).map((value) => ({ value, label: say(value) })) }]}
      expand={(row) => <div><b>{say('advice')}：</b>{text(row.advice)}<div className="muted mono">{row.code}</div></div>}
      columns={[
        { key: 'level', title: say('level'), text: (row) => row.level, render: (row) => <LevelTag level={row.level} /> },
        { key: 'name', title: say('signal'), text: (row) => text(row.name), render: (row) => <b>{text(row.name)}</b> },
        { key: 'firm', title: say('firm'), extra: Boolean(fixed?.firm_id), text: (row) => row.firm_name ?? row.firm_id, render: (row) => <A href={`/firms/${row.firm_id}`}>{row.firm_name || row.firm_id}</A> },
        { key: 'reason', title: say('reason'), extra: brief !== undefined, text: (row) => text(row.reason), render: (row) => <div style={{ maxWidth: 480 }}>{text(row.reason)}</div> },
        { key: 'action', title: say('action'), extra: brief !== undefined, text: (row) => action(row.action) },
        { key: 'at', title: say('at'), text: (row) => instant(row.raised_at, lang), render: (row) => <Instant at={row.raised_at} /> },
      ]}
    />
  )
}
