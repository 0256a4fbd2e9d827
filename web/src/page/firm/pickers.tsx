import { Cascader, Select } from 'antd'
import { useEffect, useState } from 'react'
import { get } from '../../api/client'
import { useGet, type Page } from '../../api/hooks'
import { useLang } from '../../i18n/words'
import { both } from '../../widget/values'
import type { Division, Firm, Industry } from './types'

type Props = { value?: string; onChange?: (value: string | undefined) => void; id?: string; placeholder?: string }

const codeForm = /^[A-T]?\d{2,4}$/

/** An industry by name or code. The list has sections and divisions; a finer code is typed. */
export function IndustrySelect({ value, onChange, id, placeholder }: Props) {
  const lang = useLang()
  const [typed, setTyped] = useState('')
  const found = useGet<{ items: Industry[] | null }>('/industries')
  const options = (found.data?.items ?? []).map((one) => ({ value: one.code, label: `${one.code} ${both(lang, one.zh, one.en)}` }))
  for (const code of [value, typed.trim().toUpperCase()]) {
    if (code && codeForm.test(code) && !options.some((one) => one.value === code)) options.unshift({ value: code, label: code })
  }
  return <Select allowClear showSearch={{ optionFilterProp: 'label', onSearch: setTyped }} options={options} loading={found.isLoading} value={value || null} onChange={(picked: string | null) => onChange?.(picked ?? undefined)} {...(id ? { id } : {})} {...(placeholder ? { placeholder } : {})} />
}

type Node = { value: string; label: string; isLeaf: boolean; children?: Node[] }

/** 330302 as province, prefecture, county; zeros at the end say nothing. */
function pathOf(code: string | undefined): string[] {
  const short = (code ?? '').replace(/(00)+$/, '')
  return [2, 4, 6].filter((length) => short.length >= length).map((length) => short.slice(0, length))
}

/** An administrative division, level by level; each level is asked for when it is opened. */
export function RegionSelect({ value, onChange, id, placeholder }: Props) {
  const [parts, setParts] = useState<Record<string, Division[]>>({})
  const load = async (parent: string) => {
    const found = await get<{ items: Division[] | null }>('/regions', parent ? { parent } : {}).catch(() => undefined)
    if (found) setParts((known) => ({ ...known, [parent]: found.items ?? [] }))
  }
  useEffect(() => {
    for (const parent of ['', ...pathOf(value).slice(0, -1)]) if (!parts[parent]) void load(parent)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [value])
  const below = (parent: string): Node[] => (parts[parent] ?? []).map((one) => ({ value: one.code, label: one.name, isLeaf: one.leaf, ...(parts[one.code] ? { children: below(one.code) } : {}) }))
  return (
    <Cascader<Node>
      changeOnSelect
      allowClear
      options={below('')}
      value={pathOf(value)}
      loadData={(path) => { const last = path[path.length - 1]; if (last) void load(String(last.value)) }}
      onChange={(picked) => onChange?.(picked?.length ? String(picked[picked.length - 1]) : undefined)}
      {...(id ? { id } : {})}
      {...(placeholder ? { placeholder } : {})}
    />
  )
}

/** A firm of the institution by part of its name, code or credit code. */
export function FirmSelect({ value, onChange, id, placeholder, except }: Props & { except?: string }) {
  const [typed, setTyped] = useState('')
  const found = useGet<Page<Firm>>('/firms', { q: typed, limit: 20 })
  const options = (found.data?.items ?? []).filter((firm) => firm.id !== except).map((firm) => ({ value: firm.id, label: `${firm.name} · ${firm.code}` }))
  return <Select allowClear showSearch={{ filterOption: false, onSearch: setTyped }} options={options} loading={found.isFetching} value={value ?? null} onChange={(picked: string | null) => onChange?.(picked ?? undefined)} {...(id ? { id } : {})} {...(placeholder ? { placeholder } : {})} />
}
