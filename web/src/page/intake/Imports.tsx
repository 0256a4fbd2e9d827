import { Button, Dropdown } from 'antd'
import { useLang, useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { count, instant } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, StateTag, type Tone } from '../../widget/values'
import type { Batch } from './types'
import { intakeWords } from './words'

const tones: Record<string, Tone> = { running: 'busy', committed: 'good', failed: 'bad', unchanged: 'plain' }

export function ImportState({ state }: { state: string }) {
  const say = useWords(intakeWords)
  const known = (['running', 'committed', 'unchanged', 'failed', 'discarded'] as const).find((one) => one === state)
  return <StateTag text={known ? say(known) : state} tone={tones[state] ?? 'plain'} />
}

export function useKind(): (kind: string, direction?: string) => string {
  const say = useWords(intakeWords)
  return (kind, direction) => (kind === 'firms' ? say('firms') : direction === 'sale' ? `${say('invoices')} · ${say('sale')}` : direction === 'purchase' ? `${say('invoices')} · ${say('purchase')}` : say('invoices'))
}

export default function Imports() {
  const say = useWords(intakeWords)
  const lang = useLang()
  const go = useGo()
  const may = useMay()
  const kind = useKind()
  const add = may('evidence.import') ? <Button type="primary" onClick={() => go('/imports/new')} data-testid="import-new">{say('add')}</Button> : null
  const templates = [{ key: 'firms.xlsx', label: say('firmsTemplate') }, { key: 'sale.xlsx', label: say('saleTemplate') }, { key: 'purchase.xlsx', label: say('purchaseTemplate') }].map(({ key, label }) => ({ key, label: <a href={`/api/v1/import-templates/${key}`} download>{label}</a> }))
  return (
    <div className="page">
      <PageHeader title={say('imports')} hint={say('importsHint')} actions={<><Dropdown menu={{ items: templates }}><Button>{say('templates')}</Button></Dropdown>{add}</>} />
      <DataTable<Batch>
        name="imports"
        path="/imports"
        every={10_000}
        rowKey={(row) => row.id}
        href={(row) => `/imports/${row.id}`}
        empty={{ text: say('noImports'), action: add }}
        columns={[
          { key: 'file', title: say('file'), text: (row) => row.file_name, render: (row) => <b>{row.file_name}</b> },
          { key: 'kind', title: say('kind'), text: (row) => kind(row.kind, row.report.direction) },
          { key: 'state', title: say('state'), text: (row) => row.state, render: (row) => <ImportState state={row.state} /> },
          { key: 'rows', title: say('rows'), numeric: true, text: (row) => count(row.report.rows, lang) },
          { key: 'inserted', title: say('inserted'), numeric: true, text: (row) => count(row.inserted, lang) },
          { key: 'known', title: say('known'), numeric: true, text: (row) => count(row.known, lang) },
          { key: 'bad', title: say('bad'), numeric: true, text: (row) => count(row.report.rejected, lang) },
          { key: 'at', title: say('at'), text: (row) => instant(row.created_at, lang), render: (row) => <Instant at={row.created_at} /> },
        ]}
      />
    </div>
  )
}
