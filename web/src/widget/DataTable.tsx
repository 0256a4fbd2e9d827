import { Alert, Button, Empty, Grid, Pagination, Select, Skeleton, Table, type TableColumnType } from 'antd'
import { useMemo, useRef, useState, type Key, type ReactNode } from 'react'
import type { Query } from '../api/client'
import { useGet, type Page } from '../api/hooks'
import { asProblem } from '../api/problem'
import { ProblemText } from '../api/toast'
import { useLang, useWords } from '../i18n/words'
import { usePrefs } from '../prefs/store'
import { useGo, useUrlState } from '../shell/go'
import { FilterBar, type Filter } from './FilterBar'
import { count } from './format'
import { TableTools } from './TableTools'
import { widgetWords } from './words'

export type Column<T> = {
  key: string
  title: string
  /** The cell on screen. Without it the text is shown. */
  render?: (row: T) => ReactNode
  /** The cell in an export, and on screen when there is no render. */
  text?: (row: T) => string
  /** The server's name of the field when the endpoint can sort by it. */
  sort?: string
  numeric?: boolean
  width?: number
  /** Hidden until the user asks for it. */
  extra?: boolean
}

export type DataTableProps<T> = {
  /** Names the remembered column choice and the exported file. */
  name: string
  /** The list endpoint below /api/v1; it takes limit, cursor and the filters. */
  path: string
  fixed?: Query
  columns: Column<T>[]
  filters?: Filter[]
  /** The position helps where rows have no identity of their own (identical invoices). */
  rowKey: (row: T, position: number) => string
  /** Where a row leads. */
  href?: (row: T) => string
  onOpen?: (row: T) => void
  /** What to do when there is nothing yet. */
  empty?: { text: string; action?: ReactNode }
  tools?: ReactNode
  every?: number
  /** Prefix of the address parameters, for pages with two tables. */
  prefix?: string
  expand?: (row: T) => ReactNode
  /** A few rows inside a card: no tools, no paging. */
  brief?: number
  selected?: { keys: Key[]; onChange: (keys: Key[], rows: T[]) => void }
}

const SIZES = [20, 50, 100, 200]

/** The list of the console: paged, sorted and filtered by the server, its view kept in the address. */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { columns, filters = [], prefix = '' } = props
  const say = useWords(widgetWords)
  const lang = useLang()
  const go = useGo()
  const narrow = Grid.useBreakpoint().md === false
  const { density, hidden } = usePrefs()
  const [url, setUrl] = useUrlState()
  const trail = useRef<string[]>([])
  const [, redraw] = useState(0)

  const limit = props.brief ?? SIZES.find((size) => String(size) === url[prefix + 'limit']) ?? 20
  const cursor = url[prefix + 'cursor'] ?? ''
  const sort = url[prefix + 'sort'] ?? ''
  const chosen: Query = {}
  for (const filter of filters) for (const name of filter.kind === 'dates' ? [filter.from, filter.to] : [filter.name]) chosen[name] = url[prefix + name]
  const filtered = Object.values(chosen).some(Boolean)
  const query: Query = { ...props.fixed, ...chosen, limit, ...(cursor ? { cursor } : {}), ...(sort ? { sort } : {}) }
  const list = useGet<Page<T>>(props.path, query, props.every === undefined ? {} : { every: props.every })
  const rows = list.data?.items ?? []
  const keys = new Map(rows.map((row, position) => [row, props.rowKey(row, position)]))
  const keyOf = (row: T) => keys.get(row) ?? ''

  const off = hidden[props.name] ?? columns.filter((column) => column.extra).map((column) => column.key)
  const shown = columns.filter((column) => !off.includes(column.key))
  const cell = (column: Column<T>, row: T): ReactNode => (column.render ? column.render(row) : (column.text?.(row) ?? '—') || '—')
  const open = (row: T) => (props.href ? go(props.href(row)) : props.onOpen?.(row))
  const opens = Boolean(props.href ?? props.onOpen)
  const view = (patch: Record<string, string | undefined>) => {
    trail.current = []
    setUrl({ ...Object.fromEntries(Object.entries(patch).map(([name, value]) => [prefix + name, value])), [prefix + 'cursor']: undefined })
  }

  const tableColumns = useMemo<TableColumnType<T>[]>(
    () =>
      shown.map((column) => ({
        key: column.key,
        title: column.title,
        render: (_: unknown, row: T) => (column.numeric ? <span className="num">{cell(column, row)}</span> : cell(column, row)),
        ...(column.numeric ? { align: 'right' as const } : {}),
        ...(column.width ? { width: column.width } : {}),
        ...(column.sort ? { sorter: true, sortOrder: sort === column.sort ? ('ascend' as const) : sort === '-' + column.sort ? ('descend' as const) : null } : {}),
      })),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [columns, off.join(), sort, lang],
  )

  const problem = list.error ? asProblem(list.error) : undefined
  const emptyView = (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={filtered ? say('emptyFiltered') : (props.empty?.text ?? say('empty'))}>
      {filtered ? <Button onClick={() => view(Object.fromEntries(Object.keys(chosen).map((name) => [name, undefined])))}>{say('reset')}</Button> : props.empty?.action}
    </Empty>
  )
  const body = problem && !list.data ? (
    <Alert type={problem.status === 403 ? 'warning' : 'error'} showIcon title={problem.status === 403 ? say('forbidden') : problem.message} description={<ProblemText problem={problem} />} action={<Button onClick={() => void list.refetch()}>{say('retry')}</Button>} />
  ) : narrow ? (
    <Cards rows={rows} columns={shown} cell={cell} rowKey={keyOf} loading={list.isLoading} empty={emptyView} {...(opens ? { open } : {})} {...(props.expand ? { expand: props.expand } : {})} />
  ) : (
    <Table<T>
      size={density}
      columns={tableColumns}
      dataSource={rows}
      rowKey={keyOf}
      loading={list.isLoading}
      pagination={false}
      {...(props.brief ? {} : { scroll: { x: 'max-content' as const } })}
      aria-rowcount={list.data?.total ?? -1}
      locale={{ emptyText: emptyView }}
      onRow={(row) => (opens ? { onClick: (event) => { if (!(event.target as HTMLElement).closest('a,button,input,.ant-table-row-expand-icon')) open(row) }, onKeyDown: (event) => { if (event.key === 'Enter' && event.target === event.currentTarget) open(row) }, tabIndex: 0, className: 'clickable' } : {})}
      onChange={(_p, _f, sorter) => {
        const one = Array.isArray(sorter) ? sorter[0] : sorter
        const field = shown.find((column) => column.key === one?.columnKey)?.sort
        view({ sort: field && one?.order ? (one.order === 'descend' ? '-' : '') + field : undefined })
      }}
      {...(props.expand ? { expandable: { expandedRowRender: props.expand } } : {})}
      {...(props.selected ? { rowSelection: { selectedRowKeys: props.selected.keys, onChange: (keys: Key[], picked: T[]) => props.selected!.onChange(keys, picked) } } : {})}
    />
  )
  const page = trail.current.length + 1
  const next = list.data?.next_cursor
  const turn = (to: number) => {
    if (to > page && next) {
      trail.current.push(cursor)
      setUrl({ [prefix + 'cursor']: next })
    } else if (to < page) {
      const back = to === 1 ? '' : (trail.current[to - 1] ?? '')
      trail.current = to === 1 ? [] : trail.current.slice(0, to - 1)
      setUrl({ [prefix + 'cursor']: back || undefined })
    }
    redraw((n) => n + 1)
  }
  const total = list.data?.total
  return (
    <div className="stack" style={{ gap: 12 }} data-testid={`table-${props.name}`}>
      {props.brief ? null : <div className="row between">
        <FilterBar filters={filters} values={url} prefix={prefix} onChange={view} />
        <div className="row">
          {props.tools}
          <TableTools name={props.name} path={props.path} columns={columns} hidden={off} query={{ ...props.fixed, ...chosen, ...(sort ? { sort } : {}) }} onRefresh={() => void list.refetch()} busy={list.isFetching} />
        </div>
      </div>}
      {body}
      {rows.length > 0 && !props.brief ? (
        <div className="row between">
          <span className="muted num">{total !== undefined ? say('total', { n: count(total, lang) }) : ''}</span>
          <div className="row">
            <Select size="small" value={limit} onChange={(size) => view({ limit: String(size) })} options={SIZES.map((size) => ({ value: size, label: say('perPage', { n: size }) }))} aria-label={say('density')} />
            {cursor && trail.current.length === 0 ? <Button size="small" onClick={() => setUrl({ [prefix + 'cursor']: undefined })}>{say('first')}</Button> : null}
            <Pagination size="small" simple={{ readOnly: true }} current={page} pageSize={1} total={next ? page + 1 : page} onChange={turn} showSizeChanger={false} />
          </div>
        </div>
      ) : null}
    </div>
  )
}

type CardsProps<T> = { rows: T[]; columns: Column<T>[]; cell: (column: Column<T>, row: T) => ReactNode; rowKey: (row: T) => string; loading: boolean; empty: ReactNode; open?: (row: T) => void; expand?: (row: T) => ReactNode }

/** On a phone a row is a card: a table of ten columns would only scroll sideways. */
function Cards<T>({ rows, columns, cell, rowKey, loading, empty, open, expand }: CardsProps<T>) {
  if (loading) return <Skeleton active />
  if (rows.length === 0) return <>{empty}</>
  return (
    <div className="stack" style={{ gap: 8 }}>
      {rows.map((row) => (
        <dl key={rowKey(row)} className={open ? 'data-card clickable' : 'data-card'} style={{ margin: 0 }} {...(open ? { tabIndex: 0, onClick: (event) => { if (!(event.target as HTMLElement).closest('a,button')) open(row) }, onKeyDown: (event) => { if (event.key === 'Enter') open(row) } } : {})}>
          {columns.map((column) => [<dt key={column.key}>{column.title}</dt>, <dd key={column.key + '-value'}>{cell(column, row)}</dd>])}
          {expand ? <dd style={{ gridColumn: '1 / -1', textAlign: 'start' }}>{expand(row)}</dd> : null}
        </dl>
      ))}
    </div>
  )
}
