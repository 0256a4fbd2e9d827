import { Descriptions, Empty, Input, Select, Table } from 'antd'
import { useMemo, useState } from 'react'
import { useGet } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { both } from '../../widget/values'
import { FeatureCourse } from './FeatureCourse'
import { themes, type Definition, type Theme, type Vector } from './types'
import { featureValue } from './value'
import { insightWords } from './words'

export function useDefinitions(): { items: Definition[]; find: (id: string) => Definition | undefined; loading: boolean } {
  const found = useGet<{ definitions: Definition[] | null }>('/features')
  const items = useMemo(() => found.data?.definitions ?? [], [found.data])
  return { items, find: (id) => items.find((one) => one.id === id), loading: found.isLoading }
}

/** Every feature with its definition; beside a firm's vector, with the firm's values and their course. */
export function FeatureTable({ vector, only, firm }: { vector?: Vector; only?: Theme; firm?: string }) {
  const say = useWords(insightWords)
  const lang = useLang()
  const { items, loading } = useDefinitions()
  const [text, setText] = useState('')
  const [theme, setTheme] = useState<Theme>()
  const needle = text.trim().toLowerCase()
  const rows = items.filter((one) => (!(only ?? theme) || one.theme === (only ?? theme)) && (needle === '' || [one.id, one.name_zh, one.name_en].some((name) => name.toLowerCase().includes(needle))))
  const themeName = (code: string) => { const known = themes.find((one) => one === code); return known ? say(known) : code }
  const unitName = (code: string) => (code in insightWords ? say(code as keyof typeof insightWords) : code)
  return (
    <div className="stack" style={{ gap: 12 }}>
      {only ? null : (
        <div className="row">
          <Input.Search allowClear value={text} onChange={(event) => setText(event.target.value)} placeholder={say('search')} aria-label={say('search')} style={{ width: 240 }} maxLength={60} />
          <Select<Theme> allowClear value={theme ?? null} onChange={(value) => setTheme(value ?? undefined)} placeholder={say('theme')} aria-label={say('theme')} style={{ minWidth: 150 }} options={themes.map((value) => ({ value, label: say(value) }))} />
          <span className="muted num">{rows.length} / {items.length}</span>
        </div>
      )}
      <Table<Definition>
        size="small"
        rowKey="id"
        loading={loading}
        dataSource={rows}
        scroll={{ x: 'max-content' }}
        pagination={rows.length > 30 ? { pageSize: 30, showSizeChanger: false } : false}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} /> }}
        expandable={{ expandedRowRender: (one) => <div className="stack within"><Details one={one} />{firm ? <FeatureCourse firm={firm} one={one} /> : null}</div> }}
        columns={[
          { title: say('feature'), render: (_, one) => <div><div><A href={`/features/${one.id}`}>{both(lang, one.name_zh, one.name_en)}</A></div><div className="muted mono">{one.id}</div></div> },
          ...(vector ? [{ title: say('value'), align: 'right' as const, render: (_: unknown, one: Definition) => <b className="num">{featureValue(vector.values[one.id], one.unit, lang)}</b> }] : []),
          ...(only ? [] : [{ title: say('theme'), render: (_: unknown, one: Definition) => themeName(one.theme) }]),
          { title: say('unit'), render: (_, one) => unitName(one.unit) },
          { title: say('window'), dataIndex: 'window', className: 'num' },
          { title: say('direction'), render: (_, one) => (one.direction > 0 ? say('riskier') : one.direction < 0 ? say('safer') : say('learnt')) },
        ]}
      />
    </div>
  )
}

function Details({ one }: { one: Definition }) {
  const say = useWords(insightWords)
  const lang = useLang()
  return (
    <Descriptions size="small" column={1} items={[
      { key: 'formula', label: say('formula'), children: both(lang, one.formula_zh, one.formula_en) },
      { key: 'empty', label: say('empty'), children: both(lang, one.null_zh, one.null_en) },
      { key: 'source', label: say('source'), children: <span className="mono">{one.sources.join(', ')}</span> },
    ]} />
  )
}
