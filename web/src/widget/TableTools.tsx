import DownloadOutlined from '@ant-design/icons/DownloadOutlined'
import LinkOutlined from '@ant-design/icons/LinkOutlined'
import ReloadOutlined from '@ant-design/icons/ReloadOutlined'
import SettingOutlined from '@ant-design/icons/SettingOutlined'
import { App, Button, Checkbox, Popover, Segmented, Tooltip } from 'antd'
import { useState } from 'react'
import { get, type Query } from '../api/client'
import type { Page } from '../api/hooks'
import { asProblem } from '../api/problem'
import { useProblemToast } from '../api/toast'
import { useWords } from '../i18n/words'
import { readPrefs, setPrefs, usePrefs } from '../prefs/store'
import type { Column } from './DataTable'
import { csvCell } from './format'
import { save } from './save'
import { widgetWords } from './words'

const EXPORT_ROWS_MAX = 20_000

type Props<T> = { name: string; path: string; columns: Column<T>[]; hidden: string[]; query: Query; onRefresh: () => void; busy: boolean }

/** Refresh, column choice, density, link to the view, export of everything the filters match. */
export function TableTools<T>({ name, path, columns, hidden, query, onRefresh, busy }: Props<T>) {
  const say = useWords(widgetWords)
  const { density } = usePrefs()
  const { message } = App.useApp()
  const toast = useProblemToast()
  const [exporting, setExporting] = useState(-1)

  const exportAll = async () => {
    setExporting(0)
    try {
      const used = columns.filter((column) => column.text)
      const lines = [used.map((column) => csvCell(column.title)).join(',')]
      let cursor = ''
      do {
        const page: Page<T> = await get<Page<T>>(path, { ...query, limit: 200, cursor })
        for (const row of page.items ?? []) lines.push(used.map((column) => csvCell(column.text!(row))).join(','))
        cursor = page.next_cursor ?? ''
        setExporting(lines.length - 1)
      } while (cursor && lines.length <= EXPORT_ROWS_MAX)
      if (cursor) message.warning(say('exportCut', { n: EXPORT_ROWS_MAX }))
      save(new Blob(['\ufeff' + lines.join('\r\n')], { type: 'text/csv;charset=utf-8' }), `${name}.csv`)
    } catch (error) {
      toast(asProblem(error))
    } finally {
      setExporting(-1)
    }
  }
  const toggle = (key: string, on: boolean) => setPrefs({ hidden: { ...readPrefs().hidden, [name]: on ? hidden.filter((one) => one !== key) : [...hidden, key] } })
  const copy = async () => {
    await navigator.clipboard?.writeText(location.href)
    message.success(say('copied'))
  }
  const settings = (
    <div className="stack" style={{ gap: 6, maxHeight: 360, overflow: 'auto' }}>
      <Segmented size="small" value={density} onChange={(value) => setPrefs({ density: value })} options={(['large', 'middle', 'small'] as const).map((value) => ({ value, label: say(value) }))} />
      <b>{say('columns')}</b>
      {columns.map((column) => <Checkbox key={column.key} checked={!hidden.includes(column.key)} onChange={(event) => toggle(column.key, event.target.checked)}>{column.title}</Checkbox>)}
    </div>
  )
  return (
    <div className="row" style={{ gap: 0 }}>
      <Tooltip title={say('refresh')}><Button type="text" icon={<ReloadOutlined spin={busy} />} onClick={onRefresh} aria-label={say('refresh')} /></Tooltip>
      <Popover trigger="click" placement="bottomRight" content={settings}><Button type="text" icon={<SettingOutlined />} aria-label={say('columns')} /></Popover>
      <Tooltip title={say('copyView')}><Button type="text" icon={<LinkOutlined />} onClick={() => void copy()} aria-label={say('copyView')} /></Tooltip>
      <Tooltip title={exporting >= 0 ? say('exporting', { n: exporting }) : say('export')}><Button type="text" icon={<DownloadOutlined />} loading={exporting >= 0} onClick={() => void exportAll()} aria-label={say('export')} /></Tooltip>
    </div>
  )
}
