import { Button } from 'antd'
import { useState } from 'react'
import { useLang, useWords } from '../../i18n/words'
import { useGo } from '../../shell/go'
import { useMay } from '../../shell/session'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { Instant, useText } from '../../widget/values'
import { FirmForm } from './FirmForm'
import type { Firm } from './types'
import { firmWords } from './words'

const sizes = ['T', 'S', 'M', 'L'] as const

export function useSize(): (code: string | undefined) => string {
  const say = useWords(firmWords)
  return (code) => { const known = sizes.find((one) => one === code); return known ? say(`size${known}`) : say('unknown') }
}

export default function Firms() {
  const say = useWords(firmWords)
  const lang = useLang()
  const text = useText()
  const go = useGo()
  const may = useMay()
  const size = useSize()
  const [adding, setAdding] = useState(false)
  const add = may('firm.write') ? <Button onClick={() => setAdding(true)} data-testid="firm-new">{say('addFirm')}</Button> : null
  return (
    <div className="page">
      <PageHeader title={say('firms')} hint={say('firmsHint')} actions={add} />
      <DataTable<Firm>
        name="firms"
        path="/firms"
        rowKey={(firm) => firm.id}
        href={(firm) => `/firms/${firm.id}`}
        empty={{ text: say('noFirms'), action: may('evidence.import') ? <Button type="primary" onClick={() => go('/imports')}>{say('importNow')}</Button> : add }}
        filters={[
          { kind: 'text', name: 'q', label: say('search') },
          { kind: 'choice', name: 'size', label: say('size'), options: sizes.map((value) => ({ value, label: say(`size${value}`) })) },
        ]}
        columns={[
          { key: 'name', title: say('name'), text: (firm) => firm.name, render: (firm) => <b>{firm.name}</b> },
          { key: 'code', title: say('code'), sort: 'code', text: (firm) => firm.code },
          { key: 'uscc', title: say('uscc'), text: (firm) => firm.uscc ?? '', render: (firm) => <span className="mono">{firm.uscc || '—'}</span> },
          { key: 'industry', title: say('industry'), text: (firm) => text(firm.industry_name) || firm.industry },
          { key: 'region', title: say('region'), text: (firm) => firm.region_name || firm.region },
          { key: 'updated', title: say('createdAt'), extra: true, text: (firm) => instant(firm.created_at, lang), render: (firm) => <Instant at={firm.created_at} /> },
          { key: 'size', title: say('size'), text: (firm) => size(firm.size_class) },
        ]}
      />
      {adding ? <FirmForm onClose={() => setAdding(false)} onDone={(firm) => go(`/firms/${firm.id}`)} /> : null}
    </div>
  )
}
