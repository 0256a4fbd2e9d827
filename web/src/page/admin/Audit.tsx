import { Alert, Button, Descriptions } from 'antd'
import { useState } from 'react'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { objectHref, objectName, objectWords } from '../../shell/objects'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { DiffDescriptions } from '../../widget/Lists'
import { PageHeader } from '../../widget/PageHeader'
import { Id, Instant } from '../../widget/values'
import { adminWords } from './words'

type AuditRecord = { id: string; seq?: number; at: string; actor: string; actor_name?: string; action: string; object: string; object_id: string; before?: unknown; after?: unknown; note?: string; hash?: string }

type Report = { sealed: number; pending: number; findings: { seq?: number; id?: string }[] | null }

export default function Audit() {
  const say = useWords(adminWords)
  const lang = useLang()
  const [report, setReport] = useState<Report>()
  const check = useAction<Report>({ onDone: setReport })
  return (
    <div className="page">
      <PageHeader title={say('audit')} hint={say('auditHint')} actions={<Button loading={check.busy} onClick={() => void check.run({ path: '/audit-verification', method: 'GET' })}>{say('verifyChain')}</Button>} />
      {report ? <Alert type={(report.findings ?? []).length === 0 ? 'success' : 'error'} showIcon title={(report.findings ?? []).length === 0 ? say('chainWhole', { n: report.sealed }) : say('chainBroken')} description={(report.findings ?? []).length > 0 ? JSON.stringify(report.findings) : undefined} /> : null}
      <DataTable<AuditRecord>
        name="audit"
        path="/audit-records"
        rowKey={(row) => row.id}
        empty={{ text: say('noAudit') }}
        filters={[
          { kind: 'text', name: 'action', label: say('action') },
          { kind: 'choice', name: 'object', label: say('object'), options: Object.keys(objectWords).map((value) => ({ value, label: objectName(value, lang) })) },
          { kind: 'text', name: 'object_id', label: 'ID' },
        ]}
        expand={(row) => (
          <div className="stack" style={{ gap: 8 }}>
            <DiffDescriptions before={row.before} after={row.after} />
            <Descriptions size="small" column={1} items={[...(row.note ? [{ key: 'note', label: say('note'), children: row.note }] : []), { key: 'id', label: 'ID', children: <span className="mono">{row.id}</span> }, { key: 'hash', label: say('hash'), children: <span className="mono">{row.hash ?? '—'}</span> }]} />
          </div>
        )}
        columns={[
          { key: 'at', title: say('at'), text: (row) => instant(row.at, lang), render: (row) => <Instant at={row.at} /> },
          { key: 'actor', title: say('actor'), text: (row) => row.actor_name || row.actor, render: (row) => row.actor_name || <Id id={row.actor} /> },
          { key: 'action', title: say('action'), text: (row) => row.action, render: (row) => <span className="mono">{row.action}</span> },
          { key: 'object', title: say('object'), text: (row) => `${row.object} ${row.object_id}`, render: (row) => { const href = objectHref(row.object, row.object_id); return <span>{objectName(row.object, lang)} {href ? <A href={href}><Id id={row.object_id} /></A> : <Id id={row.object_id} />}</span> } },
          { key: 'seq', title: say('seq'), extra: true, text: (row) => String(row.seq ?? '') },
        ]}
      />
    </div>
  )
}
