import { Button, DatePicker, Input, Select } from 'antd'
import dayjs from 'dayjs'
import { useEffect, useState } from 'react'
import { useWords } from '../i18n/words'
import { widgetWords } from './words'

export type Filter =
  | { kind: 'text'; name: string; label: string }
  | { kind: 'choice'; name: string; label: string; options: { value: string; label: string }[] }
  | { kind: 'dates'; from: string; to: string; label: string }

type Change = (patch: Record<string, string | undefined>) => void
type Props = { filters: Filter[]; values: Record<string, string>; prefix?: string; onChange: Change }

/** The filters of a list. What is chosen goes to the address, so that a view can be kept and shared. */
export function FilterBar({ filters, values, prefix = '', onChange }: Props) {
  const say = useWords(widgetWords)
  if (filters.length === 0) return <div />
  const names = filters.flatMap((filter) => (filter.kind === 'dates' ? [filter.from, filter.to] : [filter.name]))
  return (
    <div className="row" role="search">
      {filters.map((filter) => <One key={filter.kind === 'dates' ? filter.from : filter.name} filter={filter} values={values} prefix={prefix} onChange={onChange} />)}
      {names.some((name) => values[prefix + name]) ? <Button type="link" onClick={() => onChange(Object.fromEntries(names.map((name) => [name, undefined])))}>{say('reset')}</Button> : null}
    </div>
  )
}

function One({ filter, values, prefix, onChange }: { filter: Filter; values: Record<string, string>; prefix: string; onChange: Change }) {
  if (filter.kind === 'text') return <TextFilter label={filter.label} value={values[prefix + filter.name] ?? ''} onChange={(value) => onChange({ [filter.name]: value || undefined })} />
  if (filter.kind === 'choice') {
    return <Select allowClear value={values[prefix + filter.name] || null} placeholder={filter.label} aria-label={filter.label} onChange={(value: string | null) => onChange({ [filter.name]: value ?? undefined })} options={filter.options} popupMatchSelectWidth={false} style={{ minWidth: 130 }} showSearch={{ optionFilterProp: 'label' }} />
  }
  const day = (value: string | undefined) => (value ? dayjs(value) : null)
  return (
    <DatePicker.RangePicker
      value={[day(values[prefix + filter.from]), day(values[prefix + filter.to])]}
      allowEmpty={[true, true]}
      aria-label={filter.label}
      onChange={(range) => onChange({ [filter.from]: range?.[0]?.format('YYYY-MM-DD'), [filter.to]: range?.[1]?.format('YYYY-MM-DD') })}
      style={{ maxWidth: 260 }}
    />
  )
}

function TextFilter({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  return <Input.Search allowClear placeholder={label} aria-label={label} value={text} maxLength={100} onChange={(event) => { setText(event.target.value); if (event.target.value === '' && value !== '') onChange('') }} onSearch={(found) => onChange(found.trim())} style={{ width: 220 }} />
}
