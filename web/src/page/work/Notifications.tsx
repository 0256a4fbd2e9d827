import { Badge, Button } from 'antd'
import { useAction } from '../../api/hooks'
import { useLang, useWords } from '../../i18n/words'
import { A } from '../../shell/go'
import { DataTable } from '../../widget/DataTable'
import { instant } from '../../widget/format'
import { PageHeader } from '../../widget/PageHeader'
import { both, Instant } from '../../widget/values'
import { workWords } from './words'

type Notification = { id: string; zh: string; en: string; link?: string; at: string; read_at?: string }

export default function Notifications() {
  const say = useWords(workWords)
  const lang = useLang()
  const read = useAction({ stale: ['/notifications'] })
  const text = (row: Notification) => both(lang, row.zh, row.en)
  return (
    <div className="page">
      <PageHeader title={say('notifications')} actions={<Button loading={read.busy} onClick={() => void read.run({ path: '/notifications/read-all' })}>{say('readAll')}</Button>} />
      <DataTable<Notification>
        name="notifications"
        path="/notifications"
        rowKey={(row) => row.id}
        empty={{ text: say('noNotifications') }}
        columns={[
          { key: 'message', title: say('message'), text, render: (row) => <span>{row.read_at ? null : <Badge status="processing" />} {row.link?.startsWith('/') ? <A href={row.link}>{text(row)}</A> : text(row)}</span> },
          { key: 'at', title: say('at'), text: (row) => instant(row.at, lang), render: (row) => <Instant at={row.at} /> },
          { key: 'read', title: '', render: (row) => (row.read_at ? null : <Button size="small" type="link" loading={read.busy} onClick={() => void read.run({ path: `/notifications/${row.id}/read` })}>{say('read')}</Button>) },
        ]}
      />
    </div>
  )
}
